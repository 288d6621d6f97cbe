package web

import "earshot"

// live lays over the call what the store does not have yet, and makes its nil
// lists empty ones: in JSON they are [], never null.
func (s *Server) live(c earshot.Call) earshot.Call {
	if !c.State.Ended() {
		c = s.deps.Live.Snapshot(c)
	}
	fill(&c.Participants)
	fill(&c.Streams)
	fill(&c.Segments)
	fill(&c.Tags)
	for i := range c.Streams {
		fill(&c.Streams[i].ParticipantIDs)
		fill(&c.Streams[i].Media.Formats)
	}
	if c.Summary != nil {
		fillSummary(c.Summary)
	}
	return c
}

func fillSummary(s *earshot.Summary) {
	fill(&s.Facts)
	fill(&s.Actions)
}

func fillNote(n *earshot.Note) {
	fill(&n.Participants)
	fill(&n.Tags)
	fillSummary(&n.Summary)
}

func fill[T any](list *[]T) {
	if *list == nil {
		*list = []T{}
	}
}
