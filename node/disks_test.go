package node

import (
	"testing"
	"time"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/config"
)

// The child that mounts has the time that its mounts may take, all of it.
func TestDisksTime(t *testing.T) {
	tests := []struct {
		mounts []config.Mount
		want   time.Duration
	}{
		{nil, disksLimit},
		{[]config.Mount{{Wait: time.Hour}, {}, {Wait: 2 * time.Minute}}, disksLimit + 62*time.Minute},
		{[]config.Mount{{Wait: time.Minute, Check: true, Format: "ext4", Grow: config.GrowPartition}}, disksLimit + time.Minute + boot.FormatLimit + boot.CheckLimit + boot.GrowLimit},
	}
	for _, tt := range tests {
		if got := disksTime(tt.mounts); got != tt.want {
			t.Errorf("%+v: %v, want %v", tt.mounts, got, tt.want)
		}
	}
}
