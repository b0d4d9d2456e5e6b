//go:build entry

#include "textflag.h"
#include "entry.h"

// func entry()
TEXT ·entry(SB),NOSPLIT|NOFRAME,$0
	MOVW $20, R7 // getpid
	SWI  $0
	CMP  $1, R0
	BNE  runtime
	MOVW notify, R0
	MOVW R0, FLAGS(1, 12) // SIGHUP
	MOVW R0, FLAGS(2, 12) // SIGINT
	MOVW R0, FLAGS(3, 12) // SIGQUIT
	MOVW R0, FLAGS(6, 12) // SIGABRT
	MOVW R0, FLAGS(15, 12) // SIGTERM
	MOVW R0, FLAGS(16, 12) // SIGSTKFLT
	MOVW R0, FLAGS(31, 12) // SIGSYS

runtime:
	B _rt0_arm_linux(SB)
