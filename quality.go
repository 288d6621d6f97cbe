package earshot

// Quality is how well a stream came through the network, on the path from the
// recording client to Earshot. What the speech went through before is not in
// it. A packet is missing when it was not there at its time of playout, by a
// jitter buffer of four times the jitter, 40 to 200 ms: late packets are in the
// recording, but who had listened would not have heard them.
type Quality struct {
	// Path is "src-earshot".
	Path string `json:"path"`
	// Model is the E-model by which R and MOS are estimated: "G.107", or
	// "G.107.1" for wideband; "" if there is none for the codec. They do not
	// compare with each other, and are of the time since the model changed.
	Model string `json:"model"`
	// Assumed says that the ITU has no values for the codec and the model takes
	// those of a like one.
	Assumed bool `json:"model_assumed,omitempty"`
	// MOS is the mean over the stream, MOSWorst that of the worst 10 s; nil if
	// there is no model.
	MOS      *float64 `json:"mos"`
	MOSWorst *float64 `json:"mos_worst"`
	// RFactor is the mean rating, up to 93.2 with G.107 and 129 with G.107.1.
	RFactor *float64 `json:"r_factor"`
	// LossPercent of the packets never came, nor were repaired (RFC 2198);
	// DiscardPercent came after their time of playout. LossWorstPercent is the
	// sum of both in the worst 10 s.
	LossPercent      float64 `json:"loss_percent"`
	DiscardPercent   float64 `json:"discard_percent"`
	LossWorstPercent float64 `json:"loss_worst_percent"`
	// BurstRatio is the mean length of a run of missing packets over that of
	// losses at random (G.107); 1 without loss.
	BurstRatio float64 `json:"burst_ratio"`
	// BurstDensityPercent is how much is missing within bursts,
	// GapDensityPercent between them (RFC 3611 4.7.2, Gmin 16), and BurstMS and
	// GapMS how long these are on average.
	BurstDensityPercent float64 `json:"burst_density_percent"`
	GapDensityPercent   float64 `json:"gap_density_percent"`
	BurstMS             float64 `json:"burst_ms"`
	GapMS               float64 `json:"gap_ms"`
	// JitterMeanMS and JitterMaxMS are of the estimate of RFC 3550 6.4.1.
	JitterMeanMS float64 `json:"jitter_mean_ms"`
	JitterMaxMS  float64 `json:"jitter_max_ms"`
	// DelayMS is what the model takes for the delay one way: the time of a
	// packet, the jitter buffer and half the round trip if that is known.
	DelayMS float64 `json:"delay_ms"`
	// RoundTripMS is nil unless the recording client tells of it (RFC 3611
	// 4.5): who only receives cannot know.
	RoundTripMS *float64 `json:"round_trip_ms"`
}
