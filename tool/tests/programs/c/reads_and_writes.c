/* Reads and writes a known number of times, and makes no other accounted call.
 *
 * usage: reads_and_writes READS WRITES
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char buffer[101];
	int zero = open("/dev/zero", O_RDONLY);
	int null = open("/dev/null", O_WRONLY);

	if (argc != 3 || zero < 0 || null < 0)
		return 2;
	for (int left = atoi(argv[1]); left > 0; left--)
		if (read(zero, buffer, sizeof(buffer)) != sizeof(buffer))
			return 1;
	for (int left = atoi(argv[2]); left > 0; left--)
		if (write(null, buffer, sizeof(buffer)) != sizeof(buffer))
			return 1;
	return 0;
}
