// Sends RTP to many ports of this machine: 50 packets of 20 ms of PCMU a second
// to each, spread evenly over the time.
//
//   send SECONDS < PORTS
//
// prints how many packets went out, and how many ticks of 1 ms came too late.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { slots = 20, most = 8192, batch = 64, size = 172 };

static struct sockaddr_in to[most];
static unsigned char packets[batch][size];
static struct mmsghdr messages[batch];
static struct iovec parts[batch];

static void write_header(unsigned char *p, int stream, uint32_t n) {
  uint16_t seq = htons(n);
  uint32_t stamp = htonl(n * 160), ssrc = htonl(0x5e000000 + stream);
  p[0] = 0x80, p[1] = n ? 0 : 0x80;
  memcpy(p + 2, &seq, 2), memcpy(p + 4, &stamp, 4), memcpy(p + 8, &ssrc, 4);
  memset(p + 12, 0x80 | (n * 7 + stream) % 0x70, size - 12);
}

static long flush(int fd, int n) {
  long sent = 0;
  while (sent < n) {
    int k = sendmmsg(fd, messages + sent, n - sent, 0);
    if (k <= 0) break;
    sent += k;
  }
  return sent;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  int length = atoi(argv[1]), streams = 0, port;
  while (streams < most && scanf("%d", &port) == 1)
    to[streams++] = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  for (int i = 0; i < batch; i++) {
    parts[i] = (struct iovec){packets[i], size};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1, .msg_namelen = sizeof to[0]};
  }
  struct timespec tick, now;
  clock_gettime(CLOCK_MONOTONIC, &tick);
  long sent = 0, late = 0;
  for (long ms = 0; ms < length * 1000L; ms++) {
    int n = 0;
    for (int s = ms % slots; s < streams; s += slots) {
      write_header(packets[n], s, ms / slots);
      messages[n].msg_hdr.msg_name = &to[s];
      if (++n == batch) sent += flush(fd, n), n = 0;
    }
    sent += flush(fd, n);
    tick.tv_nsec += 1000000;
    if (tick.tv_nsec >= 1000000000) tick.tv_sec++, tick.tv_nsec -= 1000000000;
    clock_gettime(CLOCK_MONOTONIC, &now);
    late += now.tv_sec > tick.tv_sec || (now.tv_sec == tick.tv_sec && now.tv_nsec > tick.tv_nsec);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &tick, NULL);
  }
  printf("%ld %ld\n", sent, late);
}
