/* SPDX-License-Identifier: MIT */

/*
 * What the kernel counts of a TCP connection
 */

#include "net/tcp_count.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

bool tcp_count(struct tcp_count *ret, int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);
	int n = 0;

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 || ioctl(fd, SIOCOUTQ, &n) < 0)
		return false;
	*ret = (struct tcp_count){
		.n_acked = info.tcpi_bytes_acked,
		.n_unacked = (uint64_t)n,
		.edge = info.tcpi_bytes_acked + info.tcpi_snd_wnd,
		.n_received = info.tcpi_bytes_received,
		.silence_ms = info.tcpi_last_data_recv,
	};
	return true;
}
