package node

import (
	"strings"

	"github.com/beaminit/beaminit/internal/files"
)

// readSecret reads a file that is for the release to know. On a node that runs it has to be
// root's or the release's user's, and nobody else may write to it; who may own what on the
// machine that plans for an image is another question.
func (n *Setup) readSecret(path string) ([]byte, error) {
	if !n.isLive() {
		return n.Image.Read(path)
	}
	return files.Read(path, n.fileRule())
}

// isLive says that the files are those of the machine that this runs on.
func (n *Setup) isLive() bool { return n.Image.Root == "/" }

func (n *Setup) fileRule() (r files.Rule) {
	if n.User != nil {
		r.User = n.User.UID
	}
	return r
}

// homeCookie is the cookie in the HOME that release.env names, which an earlier VM may
// have made; nil: there is none.
func (n *Setup) homeCookie() []byte {
	for _, v := range n.Config.Release.Env {
		if home, is := strings.CutPrefix(v, "HOME="); is {
			cookie, err := n.readSecret(home + "/.erlang.cookie")
			if err != nil {
				return nil
			}
			return cookie
		}
	}
	return nil
}
