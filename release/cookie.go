package release

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
)

// Fingerprint is a mark by which people compare the cookies of two nodes: four hex
// digits, folded from CRC-32 (IEEE 802.3); empty where there is no cookie. It is this short
// on purpose: one in 65536 cookies has the same one, so it is no help to somebody who guesses.
func (c *Command) Fingerprint() string {
	if c.cookie == nil {
		return ""
	}
	sum := crc32.ChecksumIEEE(c.cookie)
	return fmt.Sprintf("%04x", sum>>16^sum&0xffff)
}

// chooseCookie takes the cookie of the first source that has a good one. None is
// no end: such a node runs alone.
func (r *Release) chooseCookie(in *Inputs, c *Command, f *filter) []byte {
	name := r.script.cookie
	of := func(value string) []byte {
		if value == "" {
			return nil
		}
		return []byte(value)
	}
	const flag = "-setcookie"
	home := valueOf(in.Release.Env, "HOME") + "/.erlang.cookie"
	sources := [...]struct {
		name string
		text []byte
	}{
		{in.Distribution.CookieFile, in.Cookie},
		{r.sourceOf(in.Release.Env, name) + ": " + name, of(valueOf(r.scriptEnv(in.Release.Env), name))},
		{flag, of(f.cookie.value)},
		{r.Root + "/releases/COOKIE", r.cookie},
		{home, in.HomeCookie},
	}
	if in.Refused != nil {
		c.problem(fmt.Errorf("distribution.cookie_file: %w; not read", in.Refused))
	}
	for i, s := range sources {
		if s.text == nil {
			continue
		}
		cookie, wrong := cleanCookie(s.text)
		if wrong != "" {
			c.problem(errors.New(s.name + ": the cookie in it " + wrong + "; want 1 to 255 printable ASCII characters; not used"))
			continue
		}
		if s.name == flag && f.hidden {
			c.problem(errors.New("-setcookie stands there more than once, or for other nodes, which is not supported yet; " +
				"want one cookie in " + in.Distribution.CookieFile + "; using the first one"))
		}
		c.cookie, c.CookieFrom = cookie, s.name
		if f.cookie.value != "" && f.cookie.value != string(cookie) {
			c.note(f.cookie.from + ": -setcookie is left out: the cookie in " + s.name + " is used (fingerprint " + c.Fingerprint() + ")")
		}
		if s.name == flag && r.cookie != nil && !in.Erlinit && string(bytes.TrimSpace(r.cookie)) != string(cookie) {
			c.note(f.cookie.from + ": -setcookie is used (fingerprint " + c.Fingerprint() + "), " +
				"and not the cookie in " + r.Root + "/releases/COOKIE")
		}
		if i == len(sources)-1 {
			return nil // it is where the VM looks for it
		}
		return cookie
	}
	if !f.none {
		c.problem(NoCookie{in.Distribution.CookieFile})
	}
	return nil
}

// cookiePath is where the VM looks for its cookie (auth.erl of OTP).
func (c *Command) cookiePath() string { return c.Home() + "/.erlang.cookie" }

// NoCookie is the problem of a node for which no source had a cookie. File is the
// one where it is looked for first.
type NoCookie struct{ File string }

func (e NoCookie) Error() string {
	return "no cookie: the VM makes a random one and no peer will let it in; put one in " + e.File
}

// cleanCookie is a cookie as the VM takes it from a file (auth.erl): printable
// ASCII, without the blanks at its end.
func cleanCookie(text []byte) (cookie []byte, wrong string) {
	cookie = bytes.TrimRight(text, " \t\r\n")
	if len(cookie) == 0 {
		return nil, "is empty"
	}
	if len(cookie) > 255 {
		return nil, "is too long for an atom"
	}
	for _, c := range cookie {
		if c < ' ' || c > '~' {
			return nil, "has other characters"
		}
	}
	return cookie, ""
}
