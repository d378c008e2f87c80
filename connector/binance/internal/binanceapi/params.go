package binanceapi

import (
	"slices"
	"strconv"
	"strings"
)

// Param is one parameter of a request.
type Param struct {
	Name string
	// Text is the value, such as a decimal text, unless Whole says that Int is.
	Text  string
	Int   int64
	Whole bool
}

// Text returns a parameter whose value is a text; decimals are texts.
func Text(name, value string) Param { return Param{Name: name, Text: value} }

// Int returns a parameter whose value is a whole number, which is a number in the JSON of the WebSocket API too.
func Int(name string, value int64) Param { return Param{Name: name, Int: value, Whole: true} }

// ID returns the parameter of a venue's id, which is a whole number to the venues and a text here; a text that is no
// number stays one, for the venue to refuse.
func ID(name, value string) Param {
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		return Int(name, n)
	}
	return Text(name, value)
}

func (p *Param) appendValue(dst []byte) []byte {
	if p.Whole {
		return strconv.AppendInt(dst, p.Int, 10)
	}
	return append(dst, p.Text...)
}

// AppendQuery appends the parameters in their order, names and values percent-encoded.
func AppendQuery(dst []byte, params []Param) []byte {
	for i := range params {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(dst, params[i].Name...)
		dst = append(dst, '=')
		if params[i].Whole {
			dst = strconv.AppendInt(dst, params[i].Int, 10)
		} else {
			dst = appendEncoded(dst, params[i].Text)
		}
	}
	return dst
}

// appendEncoded percent-encodes everything but the unreserved characters of RFC 3986, as the venue wants it signed.
func appendEncoded[T string | []byte](dst []byte, text T) []byte {
	const hexDigits = "0123456789ABCDEF"
	for i := 0; i < len(text); i++ {
		c := text[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' ||
			c == '~' {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return dst
}

// appendSorted sorts params by name and appends them unencoded: what is signed of a request of the WebSocket API.
func appendSorted(dst []byte, params []Param) []byte {
	slices.SortFunc(params, func(a, b Param) int { return strings.Compare(a.Name, b.Name) })
	for i := range params {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(dst, params[i].Name...)
		dst = append(dst, '=')
		dst = params[i].appendValue(dst)
	}
	return dst
}

// appendJSON appends the parameters as the members of an object, without its braces.
func appendJSON(dst []byte, params []Param) []byte {
	for i := range params {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, params[i].Name)
		dst = append(dst, ':')
		if params[i].Whole {
			dst = strconv.AppendInt(dst, params[i].Int, 10)
		} else {
			dst = appendString(dst, params[i].Text)
		}
	}
	return dst
}

// appendString appends a JSON string. Parameters are ASCII of a few characters; others are escaped one by one.
func appendString(dst []byte, text string) []byte {
	const hexDigits = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
