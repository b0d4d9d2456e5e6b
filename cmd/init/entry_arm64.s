//go:build entry

#include "textflag.h"
#include "entry.h"

// func entry()
TEXT ·entry(SB),NOSPLIT|NOFRAME,$0
	MOVD $172, R8 // getpid
	SVC
	CMP  $1, R0
	BNE  runtime
	MOVD notify, R0
	MOVW R0, FLAGS(1, 24) // SIGHUP
	MOVW R0, FLAGS(2, 24) // SIGINT
	MOVW R0, FLAGS(3, 24) // SIGQUIT
	MOVW R0, FLAGS(6, 24) // SIGABRT
	MOVW R0, FLAGS(15, 24) // SIGTERM
	MOVW R0, FLAGS(16, 24) // SIGSTKFLT
	MOVW R0, FLAGS(31, 24) // SIGSYS

runtime:
	B _rt0_arm64_linux(SB)
