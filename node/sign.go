package node

import (
	"fmt"

	"github.com/beaminit/beaminit/health"
)

// signRecords has the health records carry a mac= from now on, where there is a key.
func (n *node) signRecords() {
	path := n.Config.Health.KeyFile
	if path == "" {
		return
	}
	key, err := health.ReadKey(path)
	if err != nil {
		n.say(health.Err, fmt.Errorf("health.key_file: %w; the records are not signed", err))
		return
	}
	n.console.Sign(key)
}
