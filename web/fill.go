package web

import (
	"slices"

	"earshot"
)

// live lays over the call what the store does not have yet, and makes its nil
// lists empty ones: in JSON they are [], never null. What the call points to
// is left as it is, since others may hold it too.
func (s *Server) live(c earshot.Call) earshot.Call {
	if !c.State.Ended() {
		c = s.deps.Live.Snapshot(c)
	}
	c.Streams = slices.Clone(c.Streams)
	fill(&c.Participants)
	fill(&c.Streams)
	fill(&c.Segments)
	fill(&c.Tags)
	fill(&c.Marks)
	for i := range c.Streams {
		fill(&c.Streams[i].ParticipantIDs)
		fill(&c.Streams[i].Media.Formats)
	}
	if c.Summary != nil {
		summary := *c.Summary
		fillSummary(&summary)
		c.Summary = &summary
	}
	return c
}

func fillSummary(s *earshot.Summary) {
	fill(&s.Facts)
	fill(&s.Actions)
	fill(&s.OpenQuestions)
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
