// Says that it is there, and waits to be ended.
#include <iostream>
#include <unistd.h>

int main()
{
	std::cout << "ready" << std::endl;
	return pause();
}
