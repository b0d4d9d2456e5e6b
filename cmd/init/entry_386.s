//go:build entry

#include "textflag.h"
#include "entry.h"

// func entry()
TEXT ·entry(SB),NOSPLIT|NOFRAME,$0
	MOVL $20, AX // getpid
	INT  $0x80
	CMPL AX, $1
	JNE  runtime
	MOVL notify, FLAGS(1, 12) // SIGHUP
	MOVL notify, FLAGS(2, 12) // SIGINT
	MOVL notify, FLAGS(3, 12) // SIGQUIT
	MOVL notify, FLAGS(6, 12) // SIGABRT
	MOVL notify, FLAGS(15, 12) // SIGTERM
	MOVL notify, FLAGS(16, 12) // SIGSTKFLT
	MOVL notify, FLAGS(31, 12) // SIGSYS

runtime:
	JMP _rt0_386_linux(SB)
