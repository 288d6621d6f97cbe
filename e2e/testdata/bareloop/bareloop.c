// The least that a receiver of RTP can do: epoll, a tick of 10 ms, one recv per
// packet, and nothing done with it. "make bench-media" runs it beside the
// server, with the same packets to the same number of sockets.
//
//   bareloop FIRST PAIRS SECONDS
//
// binds RTP and RTCP ports from FIRST on, says "ready", reads for SECONDS from
// the first packet on, and prints packets and seconds of CPU.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t) { return t.tv_sec + t.tv_usec / 1e6; }

static double cpu(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return seconds(u.ru_utime) + seconds(u.ru_stime);
}

static int bound(int port) {
  int one = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0) {
    perror("bind");
    exit(1);
  }
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
  return fd;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int first = atoi(argv[1]), sockets = 2 * atoi(argv[2]), length = atoi(argv[3]);
  int poll = epoll_create1(0);
  for (int i = 0; i < sockets; i++) {
    int fd = bound(first + i);
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e);
  }
  puts("ready");
  fflush(stdout);
  struct timespec tick;
  clock_gettime(CLOCK_MONOTONIC, &tick);
  struct epoll_event ready[512];
  char buf[2048];
  long packets = 0, left = -1; // ticks left
  double before = 0;
  while (left != 0) {
    for (int n; (n = epoll_wait(poll, ready, 512, 0)) > 0;)
      for (int i = 0; i < n; i++)
        while (recv(ready[i].data.fd, buf, sizeof buf, 0) > 0) packets++;
    if (left < 0 && packets > 0) left = length * 100L, before = cpu();
    if (left > 0) left--;
    tick.tv_nsec += 10000000;
    if (tick.tv_nsec >= 1000000000) tick.tv_sec++, tick.tv_nsec -= 1000000000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &tick, NULL);
  }
  printf("%ld %.3f\n", packets, cpu() - before);
}
