/* Sends a file to each client: by read and write in a loop, or by sendfile. Prints its port.
 *
 * usage: send loop|sendfile FILE
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static int by_loop(int client, int file)
{
	static char buffer[64 * 1024];
	ssize_t filled, written;

	while ((filled = read(file, buffer, sizeof(buffer))) > 0) {
		for (ssize_t at = 0; at < filled; at += written) {
			written = write(client, buffer + at, filled - at);
			if (written < 0)
				return -1;
		}
	}
	return filled;
}

static int by_sendfile(int client, int file)
{
	struct stat facts;
	ssize_t sent = 0;

	if (fstat(file, &facts) < 0)
		return -1;
	for (off_t left = facts.st_size; left > 0; left -= sent) {
		sent = sendfile(client, file, NULL, left);
		if (sent <= 0)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (argc != 3 || bind(listener, (struct sockaddr *)&at, length) < 0 ||
	    listen(listener, 16) < 0 || getsockname(listener, (struct sockaddr *)&at, &length) < 0)
		return 2;
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
	for (;;) {
		int client = accept(listener, NULL, NULL);
		int file = open(argv[2], O_RDONLY);
		int failed = strcmp(argv[1], "loop") ? by_sendfile(client, file) : by_loop(client, file);

		if (failed)
			return 1;
		close(file);
		close(client);
	}
}
