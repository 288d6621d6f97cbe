package siprec

import (
	"errors"
	"strconv"
	"strings"

	"earshot"
)

// refusalOf is the one table from errors to answers.
func refusalOf(err error) *refusal {
	unavailable := func(after int) *refusal {
		return &refusal{503, "Service Unavailable", []string{
			"Retry-After", strconv.Itoa(after), "Warning", warning(399, err.Error()),
		}}
	}
	switch {
	case errors.Is(err, earshot.ErrMediaSecurity):
		return &refusal{488, "Not Acceptable Here", []string{"Warning", warning(302, err.Error())}}
	case errors.Is(err, earshot.ErrNoCommonCodec):
		return &refusal{488, "Not Acceptable Here", []string{"Warning", warning(305, "no offered media format can be recorded")}}
	case errors.Is(err, earshot.ErrNoPorts):
		return unavailable(10)
	case errors.Is(err, earshot.ErrDiskReserve):
		return unavailable(60)
	case errors.Is(err, earshot.ErrDraining):
		return unavailable(30)
	case errors.Is(err, earshot.ErrNotFound):
		return &refusal{481, "Call/Transaction Does Not Exist", nil}
	default:
		return &refusal{500, "Server Internal Error", []string{"Retry-After", "5"}}
	}
}

// warning is the value of a Warning header (RFC 3261 20.43).
func warning(code int, text string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == '"' || r == '\\' || r > '~' {
			return ' '
		}
		return r
	}, text)
	return strconv.Itoa(code) + ` earshot "` + clean + `"`
}
