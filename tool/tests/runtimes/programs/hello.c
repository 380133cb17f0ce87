/* Says that it is there, and waits to be ended. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
	errno = 0;
	/* Has the C library's texts linked in. */
	if (puts(strerror(errno)) < 0 || fflush(stdout) != 0)
		return 1;
	return pause();
}
