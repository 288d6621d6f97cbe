package siprec

import (
	"bytes"
	"mime"
	"strings"
)

// maxParts and maxDepth bound what is taken apart.
const (
	maxParts = 64
	maxDepth = 4
)

// bodyPart is one leaf of a message body (RFC 5621).
type bodyPart struct {
	contentType string // lower case, without parameters
	charset     string // of the content type, "" if it does not say
	disposition string
	required    bool // handling=required
	body        []byte
}

// splitBody returns the leaves of a body. It is tolerant, because recording
// clients are not: bare line feeds, blanks behind a boundary, a missing last
// boundary, part lengths that are wrong and boundaries that should have been
// quoted are all read. Problems are returned, in words.
func splitBody(contentType string, body []byte) ([]bodyPart, []string) {
	return splitLevel(contentType, "", false, body, 0)
}

func splitLevel(contentType, disposition string, required bool, body []byte, depth int) ([]bodyPart, []string) {
	kind, params := parseContentType(contentType)
	if !strings.HasPrefix(kind, "multipart/") || depth == maxDepth {
		return []bodyPart{{contentType: kind, charset: params["charset"], disposition: disposition, required: required, body: body}}, nil
	}
	boundary := params["boundary"]
	if boundary == "" {
		boundary = guessBoundary(body)
	}
	raw, closed := cutParts(body, boundary)
	var parts []bodyPart
	var problems []string
	if !closed {
		problems = append(problems, "multipart: the last boundary is missing")
	}
	if len(raw) == 0 {
		return nil, append(problems, "multipart: no part found")
	}
	for _, p := range raw {
		header, content := cutHeader(p)
		disp, dispParams := parseContentType(header["content-disposition"])
		inner, more := splitLevel(header["content-type"], disp, strings.EqualFold(dispParams["handling"], "required"), content, depth+1)
		parts, problems = append(parts, inner...), append(problems, more...)
	}
	return parts, problems
}

// parseContentType is mime.ParseMediaType that does not mind a boundary with
// characters that ought to be quoted.
func parseContentType(value string) (string, map[string]string) {
	kind, params, err := mime.ParseMediaType(value)
	if err == nil {
		return kind, params
	}
	fields := strings.Split(value, ";")
	params = map[string]string{}
	for _, f := range fields[1:] {
		name, v, _ := strings.Cut(f, "=")
		params[strings.ToLower(strings.TrimSpace(name))] = strings.Trim(strings.TrimSpace(v), `"`)
	}
	return strings.ToLower(strings.TrimSpace(fields[0])), params
}

// guessBoundary takes the first line that begins with two dashes.
func guessBoundary(body []byte) string {
	for line := range bytes.Lines(body) {
		if line = bytes.TrimSpace(line); bytes.HasPrefix(line, []byte("--")) {
			return string(line[2:])
		}
	}
	return ""
}

// cutParts returns what lies between the boundaries and whether the last one
// was there.
func cutParts(body []byte, boundary string) (parts [][]byte, closed bool) {
	if boundary == "" {
		return nil, false
	}
	start, at := -1, 0
	for line := range bytes.Lines(body) {
		begin := at
		at += len(line)
		text, ok := strings.CutPrefix(strings.TrimRight(string(line), " \t\r\n"), "--"+boundary)
		if !ok || (text != "" && text != "--") {
			continue
		}
		if start >= 0 && len(parts) < maxParts {
			parts = append(parts, trimLineEnd(body[start:begin]))
		}
		if text == "--" {
			return parts, true
		}
		start = at
	}
	if start >= 0 && start < len(body) && len(parts) < maxParts {
		parts = append(parts, trimLineEnd(body[start:]))
	}
	return parts, false
}

// trimLineEnd takes off the line end that belongs to the boundary after it.
func trimLineEnd(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
}

// cutHeader separates the header of a part, whose names are put in lower
// case, from its content.
func cutHeader(part []byte) (map[string]string, []byte) {
	header := map[string]string{}
	rest := part
	for len(rest) > 0 {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		text := strings.TrimRight(string(line), "\r")
		if strings.TrimSpace(text) == "" {
			return header, after
		}
		name, value, ok := strings.Cut(text, ":")
		if !ok {
			return header, rest // no header at all: content right away
		}
		header[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
		rest = after
	}
	return header, nil
}
