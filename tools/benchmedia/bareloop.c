/*
 * bareloop is the least that a program can do to receive the RTP of a
 * benchmark: it waits for its sockets with epoll, sleeps for the rest of 10 ms
 * so that one wait reports many of them, and reads one packet of each with
 * recv. What it reads it only counts. What a recorder costs beyond this is its
 * own doing; what this costs is the kernel's.
 *
 *   bareloop SOCKETS
 *
 * It prints the ports that it was given, a line each, and an empty line. On
 * SIGTERM it prints how many packets it read.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TICK_NS = 10 * 1000 * 1000, EVENTS = 512, RECEIVE_BUFFER = 512 << 10 };

static volatile sig_atomic_t stopped;

static void stop(int signal) {
	(void)signal;
	stopped = 1;
}

static void fail(const char *what) {
	perror(what);
	exit(1);
}

/* listen_on adds a socket on a port of the kernel's choice and prints the port. */
static void listen_on(int epoll) {
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	int size = RECEIVE_BUFFER;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) || getsockname(fd, (struct sockaddr *)&at, &len))
		fail("bind");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		fail("epoll_ctl");
	printf("%d\n", ntohs(at.sin_port));
}

/* rest sleeps for what is left of a tick. */
static void rest(const struct timespec *began) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	long took = (now.tv_sec - began->tv_sec) * 1000000000L + now.tv_nsec - began->tv_nsec;
	struct timespec left = {.tv_nsec = TICK_NS - took};
	if (took < TICK_NS)
		nanosleep(&left, NULL);
}

int main(int argc, char **argv) {
	if (argc != 2)
		return fprintf(stderr, "usage: bareloop SOCKETS\n"), 2;
	struct sigaction action = {.sa_handler = stop};
	sigaction(SIGTERM, &action, NULL);
	int epoll = epoll_create1(0);
	if (epoll < 0)
		fail("epoll_create1");
	for (int i = atoi(argv[1]); i > 0; i--)
		listen_on(epoll);
	printf("\n");
	fflush(stdout);

	static struct epoll_event events[EVENTS];
	char packet[2048];
	long packets = 0;
	while (!stopped) {
		struct timespec began;
		int n = epoll_wait(epoll, events, EVENTS, -1);
		clock_gettime(CLOCK_MONOTONIC, &began);
		for (int i = 0; i < n; i++)
			packets += recv(events[i].data.fd, packet, sizeof packet, 0) > 0;
		if (n < EVENTS)
			rest(&began);
	}
	printf("%ld\n", packets);
	return 0;
}
