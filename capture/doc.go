// Package capture writes the SIP messages and RTP packets of a call as a pcap
// file, as if they had been captured on the wire. The file is made afterwards
// from what is stored, so that it costs a running call nothing: addresses and
// times are those of the packets, the layers below UDP and TCP are made up.
package capture
