/*
 * rtpsend sends a stream of PCMU (RFC 3551) in packets of 20 ms to each of many
 * ports of 127.0.0.1, all from one socket and by few system calls, so that what
 * a benchmark measures is the receiver.
 *
 *   rtpsend PORT SECONDS <PORTS
 *
 * PORT is the local, even port; the odd one after it takes the RTCP that comes
 * back and is never read. The streams are spread evenly over the 20 ms. It
 * prints how many packets it sent.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { SLOTS = 20, SLOT_NS = 1000 * 1000, SAMPLES = 160, HEADER = 12, BATCH = 64 };

struct stream {
	struct sockaddr_in to;
	uint16_t seq;
	uint32_t timestamp, ssrc;
};

static struct stream *streams;
static int count;

static void fail(const char *what) {
	perror(what);
	exit(1);
}

static void read_ports(void) {
	for (int port, size = 0; scanf("%d", &port) == 1; count++) {
		if (count == size && !(streams = realloc(streams, (size = 2 * size + 64) * sizeof *streams)))
			fail("realloc");
		streams[count] = (struct stream){
			.to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)},
			.seq = 1000 + 7 * count, .timestamp = 160000u * count, .ssrc = 0x10000 + count,
		};
	}
}

static int bind_to(int port) {
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at))
		fail("bind");
	return fd;
}

/* put writes the RTP header (RFC 3550 5.1) of a stream's next packet. */
static void put(uint8_t *b, struct stream *s) {
	uint16_t seq = htons(s->seq++);
	uint32_t timestamp = htonl(s->timestamp), ssrc = htonl(s->ssrc);
	s->timestamp += SAMPLES;
	b[0] = 0x80;
	b[1] = 0;
	memcpy(b + 2, &seq, 2);
	memcpy(b + 4, &timestamp, 4);
	memcpy(b + 8, &ssrc, 4);
}

/* send_slot sends a packet of every 20th stream. */
static long send_slot(int fd, int slot) {
	static uint8_t packets[BATCH][HEADER + SAMPLES];
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	long sent = 0;
	for (int i = slot; i < count;) {
		int n = 0;
		for (; n < BATCH && i < count; n++, i += SLOTS) {
			put(packets[n], &streams[i]);
			memset(packets[n] + HEADER, 0x80 | (streams[i].seq & 0x7f), SAMPLES);
			vectors[n] = (struct iovec){packets[n], sizeof packets[n]};
			messages[n] = (struct mmsghdr){.msg_hdr = {
				.msg_name = &streams[i].to, .msg_namelen = sizeof streams[i].to,
				.msg_iov = &vectors[n], .msg_iovlen = 1,
			}};
		}
		for (int done = 0; done < n;) {
			int some = sendmmsg(fd, messages + done, n - done, 0);
			if (some < 0 && errno != EINTR)
				fail("sendmmsg");
			done += some > 0 ? some : 0;
		}
		sent += n;
	}
	return sent;
}

int main(int argc, char **argv) {
	if (argc != 3)
		return fprintf(stderr, "usage: rtpsend PORT SECONDS <PORTS\n"), 2;
	int fd = bind_to(atoi(argv[1]));
	bind_to(atoi(argv[1]) + 1);
	read_ports();
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	long sent = 0;
	for (long slot = 0; slot < atol(argv[2]) * 1000; slot++) {
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		sent += send_slot(fd, slot % SLOTS);
		if ((at.tv_nsec += SLOT_NS) >= 1000000000)
			at.tv_nsec -= 1000000000, at.tv_sec++;
	}
	printf("%ld\n", sent);
	return 0;
}
