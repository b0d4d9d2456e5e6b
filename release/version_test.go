package release

import "testing"

func TestCompareVersions(t *testing.T) {
	// From old to new.
	order := []string{
		"COOKIE", "0.9.0", "0.10.0-rc.1", "0.10.0", "0.10.0+1", "1.0.0-1", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta",
		"1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc1", "1.0.0-rc2", "1.0.0-rc10", "1.0.0rc11", "1.0.0", "1.0.0+build.9", "1.0.0+build.10",
		"1.0.0.1", "1.0.1", "1.1", "1.1.0", "2", "10", "11.1", "11.1.8", "13.1.5", "20240131", "20240201",
	}
	for i, a := range order {
		for j, b := range order {
			if got, want := compareVersions(a, b), sign(i-j); got != want {
				t.Errorf("compareVersions(%q, %q) = %d, want %d", a, b, got, want)
			}
		}
	}
}

func FuzzCompareVersions(f *testing.F) {
	f.Add("1.0.0-rc1", "1.0.0", "1.0")
	f.Add("01", "1", "1-")
	f.Add("-", "+.", "~a0")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		ab, bc, ac := compareVersions(a, b), compareVersions(b, c), compareVersions(a, c)
		if ba := compareVersions(b, a); ba != -ab {
			t.Errorf("%q with %q is %d, the other way round %d", a, b, ab, ba)
		}
		if (ab == 0) != (a == b) {
			t.Errorf("%q with %q is %d", a, b, ab)
		}
		if ab <= 0 && bc <= 0 && ac > 0 {
			t.Errorf("%q <= %q <= %q, but the first is newer than the last", a, b, c)
		}
	})
}
