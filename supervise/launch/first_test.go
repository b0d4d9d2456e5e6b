package launch

import (
	"testing"
	"time"
)

// A program before the release that does not end holds it up for a limited time.
func TestRunFirstHangs(t *testing.T) {
	begun := time.Now()
	runFirst([]string{"/bin/sh", "-c", "sleep 1000 & sleep 1000"}, 200*time.Millisecond, 2)
	if took := time.Since(begun); took < 200*time.Millisecond || took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}
