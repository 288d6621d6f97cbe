package earshot

// Measures are how a conversation went, apart from what was said: counted from
// the final utterances and the holds of a call.
type Measures struct {
	CallID CallID `json:"call_id"`
	// DurationMS is up to the end of the call, or of the last that is known of a
	// live one.
	DurationMS int64 `json:"duration_ms"`
	// TalkMS is the time in which anybody spoke, OvertalkMS that in which more
	// than one did. SilenceMS is the rest, without holds and pauses.
	TalkMS           int64 `json:"talk_ms"`
	OvertalkMS       int64 `json:"overtalk_ms"`
	SilenceMS        int64 `json:"silence_ms"`
	LongestSilenceMS int64 `json:"longest_silence_ms"`
	// HoldMS is the time in which a stream was stopped by hold, PausedMS that in
	// which nothing was recorded at somebody's wish.
	HoldMS   int64          `json:"hold_ms"`
	PausedMS int64          `json:"paused_ms"`
	Parties  []PartyMeasure `json:"parties"`
	// Minutes are the same over time, one for each minute that has begun.
	Minutes []MinuteMeasure `json:"minutes"`
}

// PartyMeasure is how one party took part.
type PartyMeasure struct {
	// ParticipantID is "" for a stream whose sender is not known.
	ParticipantID ParticipantID `json:"participant_id"`
	StreamID      StreamID      `json:"stream_id"`
	Role          Role          `json:"role"`
	TalkMS        int64         `json:"talk_ms"`
	// TalkShare is the party's part of what all parties talk, from 0 to 1.
	TalkShare float64 `json:"talk_share"`
	Words     int     `json:"words"`
	// WordsPerMinute is of the time the party spoke; 0 when it is too little to
	// tell.
	WordsPerMinute float64 `json:"words_per_minute"`
	// Interruptions counts how often the party began to speak before another one
	// had come to an end; "yes" and "okay" meanwhile are none.
	Interruptions int   `json:"interruptions"`
	LongestTurnMS int64 `json:"longest_turn_ms"`
	// Sentiment is of the party's words.
	Sentiment Sentiment `json:"sentiment"`
}

// MinuteMeasure is a minute of a call.
type MinuteMeasure struct {
	AtMS    int64         `json:"at_ms"`
	Parties []MinuteParty `json:"parties"`
}

// MinuteParty is one party in a minute, in the order of [Measures.Parties].
type MinuteParty struct {
	TalkMS int64 `json:"talk_ms"`
	// Sentiment is from -1 to 1; nil when no word of it was said.
	Sentiment *float64 `json:"sentiment"`
}

// Sentiment is how a party's words sound.
type Sentiment struct {
	// Score is from -1 to 1, the mean of the utterances that sound of anything;
	// Rated counts them.
	Score float64 `json:"score"`
	Rated int     `json:"rated"`
	Mood  Mood    `json:"mood"`
	Trend Trend   `json:"trend"`
}

// Mood is a sentiment in a word.
type Mood string

// The moods.
const (
	MoodNegative Mood = "negative"
	MoodNeutral  Mood = "neutral"
	MoodPositive Mood = "positive"
)

// Trend says where a sentiment went from the first half of what was said to
// the second.
type Trend string

// The trends.
const (
	TrendImproving Trend = "improving"
	TrendSteady    Trend = "steady"
	TrendWorsening Trend = "worsening"
)
