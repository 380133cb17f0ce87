/* Sends a file to a port of this machine with io_uring: READ into a buffer, SEND_ZC out of it. Asks the kernel
 * whether it copied all the same, or does not.
 *
 * usage: uring_send_zc asks|trusts FILE PORT
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>

/* include/uapi/linux/io_uring.h of Linux 6.2 */
#ifndef IORING_SEND_ZC_REPORT_USAGE
#define IORING_SEND_ZC_REPORT_USAGE (1U << 3)
#endif

static struct io_uring ring;

/* The result of the operation that was prepared, when the kernel is done with its buffer. */
static int done(void)
{
	struct io_uring_cqe *cqe;
	unsigned int more;
	int result;

	if (io_uring_submit_and_wait(&ring, 1) < 0 || io_uring_wait_cqe(&ring, &cqe) < 0)
		exit(1);
	result = cqe->res;
	more = cqe->flags & IORING_CQE_F_MORE;
	io_uring_cqe_seen(&ring, cqe);
	if (more) {
		if (io_uring_wait_cqe(&ring, &cqe) < 0)
			exit(1);
		io_uring_cqe_seen(&ring, cqe);
	}
	return result;
}

int main(int argc, char **argv)
{
	static char buffer[128 * 1024];
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	unsigned int asks = 0;
	int file, tcp, filled, sent;
	off_t at = 0;

	if (argc != 4 || io_uring_queue_init(4, &ring, 0) < 0)
		return 2;
	if (!strcmp(argv[1], "asks"))
		asks = IORING_SEND_ZC_REPORT_USAGE;
	to.sin_port = htons(atoi(argv[3]));
	file = open(argv[2], O_RDONLY);
	tcp = socket(AF_INET, SOCK_STREAM, 0);
	if (file < 0 || connect(tcp, (struct sockaddr *)&to, sizeof(to)) < 0)
		return 2;
	for (;;) {
		io_uring_prep_read(io_uring_get_sqe(&ring), file, buffer, sizeof(buffer), at);
		filled = done();
		if (filled <= 0)
			return filled < 0;
		at += filled;
		for (int from = 0; from < filled; from += sent) {
			io_uring_prep_send_zc(io_uring_get_sqe(&ring), tcp, buffer + from,
					      filled - from, 0, asks);
			sent = done();
			if (sent <= 0)
				return 1;
		}
	}
}
