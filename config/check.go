package config

import (
	"path"
	"slices"
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// What a string of each kind has to be. All of them see only strings without control
// characters (see printable).

// isHostname holds to RFC 1123 (2.1) and RFC 952: labels of letters, digits and inner
// hyphens, 63 bytes each; 64 bytes in all, which is the kernel's limit (__NEW_UTS_LEN).
func isHostname(s string) bool {
	if len(s) > 64 {
		return false
	}
	for more := true; more; {
		var label string
		label, s, more = strings.Cut(s, ".")
		if !lex.IsDNSLabel(label) {
			return false
		}
	}
	return true
}

// isInterface is the kernel's dev_valid_name (net/core/dev.c).
func isInterface(s string) bool {
	return s != "" && len(s) < 16 && s != "." && s != ".." && !strings.ContainsAny(s, "/: ") &&
		strings.IndexByte(s, 0xa0) < 0 && lex.IsPrintable(s)
}

func isAbs(s string) bool { return s != "" && s[0] == '/' }
func isNames(s string) bool {
	return s == ShortNames || s == LongNames || s == AddressNames || s == NoNames
}

// isNodeName is the part of a node name before the @, as net_kernel takes it.
func isNodeName(s string) bool { return lex.IsMadeOf(s, "_-") && len(s) <= 128 }

func isID(s string) bool {
	return isAbs(strings.TrimPrefix(s, "file:"))
}

func isBoot(s string) bool {
	if s == "." || s == ".." || strings.HasSuffix(s, ".boot") {
		return false
	}
	return isAbs(s) || !strings.Contains(s, "/")
}

func isUser(s string) bool {
	if lex.IsDigits(s) {
		return len(s) <= 9 || len(s) == 10 && s < "4294967295"
	}
	return lex.IsMadeOf(s, "_-.") && s[0] != '-' && len(s) <= 32
}

func isEnvName(s string) bool { return lex.IsMadeOf(s, "_") && (s[0] < '0' || s[0] > '9') }

func isEPMD(s string) bool {
	name, isModule := strings.CutPrefix(s, "module:")
	if !isModule || !lex.IsMadeOf(name, "_@.") {
		return s == "none" || s == "daemon"
	}
	return name[0] >= 'a' && name[0] <= 'z' || strings.HasPrefix(name, "Elixir.")
}

func isOnExit(s string) bool {
	return s == Restart || s == Reboot || s == PowerOff || s == Halt
}

func isGiveUp(s string) bool {
	return s == Reboot || s == Rescue || s == PowerOff || s == Halt
}

func isCriterion(s string) bool { return s == ByProbe || s == ByHeart || s == ByProcess }

func isReady(s string) bool { return s == Listening || s == Started || s == Notify }

func isButton(s string) bool { return isOnExit(s) && s != Restart || s == Ignore }

// isCorePattern holds to the kernel's CORENAME_MAX_SIZE of 128 with its NUL.
func isCorePattern(s string) bool { return s != "" && len(s) < 128 }

// isDNSName holds to RFC 1035 (2.3.4) with the underscores of RFC 2782: labels of 63
// bytes each, 253 in all; a dot at the end is fine.
func isDNSName(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if len(s) > 253 {
		return false
	}
	for _, label := range strings.Split(s, ".") {
		if len(label) > 63 || !lex.IsMadeOf(label, "-_") {
			return false
		}
	}
	return true
}

// isBondMode has the words of the kernel's Documentation/networking/bonding.rst.
func isBondMode(s string) bool {
	return slices.Contains([]string{"balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"}, s)
}

func isFormat(s string) bool {
	return slices.Contains([]string{"ext4", "f2fs", "vfat", "btrfs", "xfs"}, s)
}

func isServiceName(s string) bool { return lex.IsMadeOf(s, "-_") && len(s) <= 32 }

func isRestart(s string) bool {
	return s == Always || s == OnFailure || s == Never || s == Once
}

func isStart(s string) bool { return s == Before || s == With || s == After }

func isServiceReady(s string) bool { return s == Started || s == Notify || s == Exit }

func isOverlay(s string) bool {
	if s == InTmpfs || s == Off {
		return true
	}
	return isAbs(s) && path.Clean(s) == s && s != "/" && !strings.ContainsAny(s, `,:\`)
}

// isLinkName is the name of a file below /dev.
func isLinkName(s string) bool {
	return lex.IsMadeOf(s, "_-./:+@") && s[0] != '/' && path.Clean(s) == s && !strings.HasPrefix(s, "..")
}
