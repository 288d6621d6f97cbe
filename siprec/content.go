package siprec

import (
	"fmt"
	"strings"

	"github.com/emiago/sipgo/sip"

	"earshot"
)

// content is what a request carries for us.
type content struct {
	offer *offer // nil without SDP
	// removed are the m-lines of the offer before that this one left out.
	removed  []earshot.MediaOffer
	metadata *earshot.Metadata
	problems []string
}

// readContent takes a body apart: SDP, metadata, and what else there is.
func readContent(req *sip.Request, known *earshot.Metadata) (*content, *refusal) {
	c := &content{}
	if len(req.Body()) == 0 {
		return c, nil
	}
	if coding := headerOf(req, "Content-Encoding", "e"); coding != "" && !strings.EqualFold(strings.TrimSpace(coding), "identity") {
		return nil, &refusal{415, "Unsupported Media Type", []string{"Accept-Encoding", "identity", "Accept", accept}}
	}
	kind := headerOf(req, "Content-Type", "c")
	parts, problems := splitBody(kind, req.Body())
	c.problems = problems
	understood := false
	for _, p := range parts {
		switch p.contentType {
		case "application/sdp":
			understood = true
			if c.offer != nil {
				continue
			}
			o, err := parseSDP(p.body)
			if err != nil {
				return nil, &refusal{400, "Bad Request", []string{"Warning", warning(399, err.Error())}}
			}
			c.offer = o
		case "application/rs-metadata", "application/rs-metadata+xml":
			understood = true
			c.readMetadata(utf8Text(p.body, p.charset), known)
		default:
			if p.required {
				return nil, unsupportedBody(p.contentType)
			}
		}
	}
	if !understood {
		return nil, unsupportedBody(kind)
	}
	return c, nil
}

func unsupportedBody(kind string) *refusal {
	return &refusal{415, "Unsupported Media Type", []string{"Accept", accept, "Warning", warning(399, "body of type "+kind)}}
}

// readMetadata never refuses: bad metadata does not cost a recording.
func (c *content) readMetadata(body []byte, known *earshot.Metadata) {
	if c.metadata != nil {
		known = c.metadata
	}
	doc, err := parseMetadata(body)
	if err != nil {
		c.problems = append(c.problems, "metadata: "+err.Error())
		if doc != nil { // cut off: it does not replace what is known
			doc.partial = true
		}
	}
	if doc == nil {
		doc = &document{partial: true} // keeps what is known and the text as it came
	}
	for _, p := range doc.problems {
		c.problems = append(c.problems, "metadata: "+p)
	}
	if id := doc.duplicateIDs(); id != "" {
		c.problems = append(c.problems, fmt.Sprintf("metadata: %s stands twice", id))
	}
	c.metadata = merge(known, doc, string(body))
}
