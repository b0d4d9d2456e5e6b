package node

import (
	"errors"
	"fmt"

	"github.com/beaminit/beaminit/health"
)

// recordKey is the key that the health records are signed with, so that they carry a mac=; nil: there
// is none.
func (n *node) recordKey() health.Key {
	path := n.Config.Health.KeyFile
	if path == "" {
		return nil
	}
	key, err := n.readKey(path)
	if err != nil {
		n.say(health.Err, fmt.Errorf("health.key_file: %w; the records are not signed", err))
		return nil
	}
	return key
}

// readKey reads a key, where its file may be on a disk that hangs too.
func (n *node) readKey(path string) ([]byte, error) {
	if !filesCanHang() {
		return health.ReadKey(path)
	}
	if h, ok := n.takeHanded(); ok && h.Key != nil {
		return h.Key, nil
	}
	var answer keyAnswer
	if err := n.runJob(keyJob, keyLimit, path, &answer); err != nil {
		return nil, err
	}
	if answer.Problem != "" {
		return nil, errors.New(answer.Problem)
	}
	return answer.Key, nil
}
