package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"earshot"
	"earshot/media/codec"
	"earshot/media/srtp"
)

// DefaultPacketTime is the length of each packet sent.
const DefaultPacketTime = 20 * time.Millisecond

// bindTries is how many ports are tried for an even one with the odd one after
// it free.
const bindTries = 50

// aLongTimeAgo is a deadline that ends what waits at a socket.
var aLongTimeAgo = time.Unix(1, 0)

// PCMSource is mono audio at the rate of the format being sent. It returns
// io.EOF behind the last sample; before it, fewer samples than asked for are
// topped up with silence.
type PCMSource interface {
	Read(pcm []int16) (int, error)
}

// Gap is a time without packets while the timestamp goes on, as with silence
// suppression (DTX). The audio of that time is not sent.
type Gap struct {
	At, For time.Duration // since the first packet
}

// SenderConfig says what to send.
type SenderConfig struct {
	// Local is where to send from. Port 0 takes a free even port with the odd
	// one after it for RTCP.
	Local netip.AddrPort
	// Remote is where to send to. It may be left open until [Sender.SetRemote].
	Remote netip.AddrPort
	Format earshot.Format
	// PacketTime is the length of each packet: 10, 20, 40 or 60 ms; 0 is 20 ms.
	PacketTime time.Duration
	// SSRC is random if 0.
	SSRC uint32
	// Label is the label of the m-line, for the user's own bookkeeping.
	Label string
	// Audio is what to send.
	Audio PCMSource
	// Gaps are in order and apart.
	Gaps []Gap
	// Keys are in order and apart. Events is the format they are sent in, of the
	// clock rate of Format.
	Keys   []Key
	Events earshot.Format
	// Crypto is the key to encrypt with (RFC 4568); nil sends plain RTP.
	Crypto *earshot.Crypto
	// DTLS shakes hands for a key before anything is sent (RFC 5764).
	DTLS bool
	// Loss is the share of packets, from 0 to 1, that are counted and not sent,
	// as if the network had lost them: each by chance, apart from the others.
	Loss float64
}

// Sender sends audio as RTP in real time, with a sender report every 5 s and a
// BYE at the end on the RTCP port.
type Sender struct {
	cfg     SenderConfig
	encoder codec.Encoder
	rtp     *net.UDPConn
	rtcp    *net.UDPConn

	keyboard keyboard

	packet rtp.Packet
	buf    []byte
	sealed []byte
	// guard and guardRTCP are nil for plain packets.
	guard, guardRTCP *srtp.Outbound
	certificate      *srtp.Certificate // nil without DTLS
	peer             *earshot.DTLS
	packets          uint32
	octets           uint32
}

// NewSender binds the ports.
func NewSender(cfg SenderConfig) (*Sender, error) {
	encoder, err := codec.NewEncoder(cfg.Format)
	if err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	if cfg.Audio == nil {
		return nil, errors.New("sender: no audio")
	}
	if !cfg.Local.Addr().IsValid() {
		cfg.Local = netip.AddrPortFrom(netip.IPv4Unspecified(), cfg.Local.Port())
	}
	if cfg.PacketTime == 0 {
		cfg.PacketTime = DefaultPacketTime
	}
	if cfg.SSRC == 0 {
		cfg.SSRC = rand.Uint32()
	}
	s := &Sender{cfg: cfg, encoder: encoder}
	if s.keyboard, err = cfg.keyboard(); err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	if cfg.Crypto != nil {
		if s.guard, err = srtp.NewOutbound(cfg.Crypto); err != nil {
			return nil, fmt.Errorf("sender: %w", err)
		}
		s.guardRTCP = s.guard
	}
	if cfg.DTLS {
		if s.certificate, err = srtp.NewCertificate(); err != nil {
			return nil, fmt.Errorf("sender: %w", err)
		}
	}
	if s.rtp, s.rtcp, err = listenPair(cfg.Local); err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	s.packet.Header = rtp.Header{
		Version: 2, PayloadType: cfg.Format.PayloadType, SSRC: cfg.SSRC, Marker: true,
		SequenceNumber: uint16(rand.Uint32()), Timestamp: rand.Uint32(), // RFC 3550 5.1
	}
	return s, nil
}

// listenPair binds an even port and the one after it.
func listenPair(local netip.AddrPort) (even, odd *net.UDPConn, err error) {
	for range bindTries {
		even, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(local))
		if err != nil {
			return nil, nil, err
		}
		port := even.LocalAddr().(*net.UDPAddr).AddrPort().Port()
		if port%2 == 0 {
			odd, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local.Addr(), port+1)))
			if err == nil {
				return even, odd, nil
			}
		}
		_ = even.Close()
		if local.Port() != 0 {
			return nil, nil, fmt.Errorf("port %d is odd or the one after it is taken: %w", port, errors.Join(err))
		}
	}
	return nil, nil, errors.Join(errors.New("no pair of free ports"), err)
}

// Port returns the local RTP port.
func (s *Sender) Port() int { return int(s.rtp.LocalAddr().(*net.UDPAddr).AddrPort().Port()) }

// Crypto returns the key to offer, nil if none is used.
func (s *Sender) Crypto() *earshot.Crypto { return s.cfg.Crypto }

// Label returns the label of the m-line.
func (s *Sender) Label() string { return s.cfg.Label }

// SSRC returns the source identifier.
func (s *Sender) SSRC() uint32 { return s.cfg.SSRC }

// SetRemote says where to send to. It must not be called during Run.
func (s *Sender) SetRemote(to netip.AddrPort) { s.cfg.Remote = to }

// Sent returns how many packets went out. It must not be called during Run.
func (s *Sender) Sent() int { return int(s.packets) }

// Close frees the ports.
func (s *Sender) Close() error { return errors.Join(s.rtp.Close(), s.rtcp.Close()) }

// Run sends until the audio ends or ctx is done. Each packet has a time of its
// own counted from the first, so that delays do not add up.
func (s *Sender) Run(ctx context.Context) error {
	if !s.cfg.Remote.IsValid() {
		return errors.New("sender: nowhere to send to")
	}
	if s.certificate != nil {
		end, err := s.shakeHands(ctx)
		defer end()
		if err != nil {
			return err
		}
	}
	start := time.Now()
	defer s.bye()
	timer := time.NewTimer(0)
	defer timer.Stop()
	frame := make([]int16, earshot.PositionOf(s.cfg.PacketTime).Samples(s.encoder.Rate()))
	report := time.Duration(0)
	for at := time.Duration(0); ; at += s.cfg.PacketTime {
		timer.Reset(time.Until(start.Add(at)))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		n, err := s.cfg.Audio.Read(frame)
		if n == 0 || err != nil {
			if err == nil || errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("sender: %w", err)
		}
		clear(frame[n:])
		if err := s.send(frame, at); err != nil {
			return fmt.Errorf("sender: %w", err)
		}
		if at >= report {
			s.sendRTCP(s.report())
			report += rtcpInterval
		}
	}
}

// send sends a frame unless it lies in a gap or a key is pressed.
func (s *Sender) send(frame []int16, at time.Duration) error {
	h := &s.packet.Header
	defer func() { h.Timestamp += s.ticks() }()
	if busy, err := s.press(at); busy || err != nil {
		return err
	}
	for _, g := range s.cfg.Gaps {
		if at >= g.At && at < g.At+g.For {
			h.Marker = true // of the packet that ends the gap (RFC 3551 4.1)
			return nil
		}
	}
	s.packet.Payload = s.encoder.Encode(s.packet.Payload[:0], frame)
	if len(s.packet.Payload) == 0 {
		h.Marker = true // silence suppressed by the codec
		return nil
	}
	if err := s.write(&s.packet); err != nil {
		return err
	}
	h.Marker = false
	return nil
}

// write sends a packet with the next sequence number.
func (s *Sender) write(p *rtp.Packet) error {
	p.SequenceNumber = s.packet.SequenceNumber
	size := p.MarshalSize()
	if cap(s.buf) < size {
		s.buf = make([]byte, size)
	}
	if _, err := p.MarshalTo(s.buf[:size]); err != nil {
		return err
	}
	out := s.buf[:size]
	if s.guard != nil {
		var err error
		if s.sealed, err = s.guard.RTP(s.sealed[:0], out); err != nil {
			return err
		}
		out = s.sealed
	}
	if s.cfg.Loss == 0 || rand.Float64() >= s.cfg.Loss {
		// A receiver that is not there yet, or no more, is no error of ours.
		_, _ = s.rtp.WriteToUDPAddrPort(out, s.cfg.Remote)
	}
	s.packet.SequenceNumber++
	s.packets++
	s.octets += uint32(len(p.Payload))
	return nil
}

// report is a sender report (RFC 3550 6.4.1).
func (s *Sender) report() *rtcp.SenderReport {
	now := time.Now()
	const since1900 = 2_208_988_800
	return &rtcp.SenderReport{
		SSRC:    s.cfg.SSRC,
		NTPTime: uint64(now.Unix()+since1900)<<32 | uint64(now.Nanosecond())<<32/uint64(time.Second),
		RTPTime: s.packet.Timestamp, PacketCount: s.packets, OctetCount: s.octets,
	}
}

func (s *Sender) bye() {
	s.sendRTCP(s.report(), &rtcp.Goodbye{Sources: []uint32{s.cfg.SSRC}})
}

func (s *Sender) sendRTCP(first rtcp.Packet, more ...rtcp.Packet) {
	cname := rtcp.NewCNAMESourceDescription(s.cfg.SSRC, fmt.Sprintf("%08x", s.cfg.SSRC))
	b, err := rtcp.Marshal(append([]rtcp.Packet{first, cname}, more...))
	if err == nil && s.guardRTCP != nil {
		b, err = s.guardRTCP.RTCP(nil, b)
	}
	if err == nil && s.cfg.Remote.Port() < 65535 {
		to := netip.AddrPortFrom(s.cfg.Remote.Addr(), s.cfg.Remote.Port()+1)
		_, _ = s.rtcp.WriteToUDPAddrPort(b, to)
	}
}

// Samples is a [PCMSource] of samples in memory.
type Samples []int16

// Read takes the next samples.
func (s *Samples) Read(pcm []int16) (int, error) {
	if len(*s) == 0 {
		return 0, io.EOF
	}
	n := copy(pcm, *s)
	*s = (*s)[n:]
	return n, nil
}
