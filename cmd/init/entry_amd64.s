//go:build entry

#include "textflag.h"
#include "entry.h"

// func entry()
TEXT ·entry(SB),NOSPLIT|NOFRAME,$0
	MOVQ $39, AX // getpid
	SYSCALL
	CMPQ AX, $1
	JNE  runtime
	MOVL notify, FLAGS(1, 24) // SIGHUP
	MOVL notify, FLAGS(2, 24) // SIGINT
	MOVL notify, FLAGS(3, 24) // SIGQUIT
	MOVL notify, FLAGS(6, 24) // SIGABRT
	MOVL notify, FLAGS(15, 24) // SIGTERM
	MOVL notify, FLAGS(16, 24) // SIGSTKFLT
	MOVL notify, FLAGS(31, 24) // SIGSYS

runtime:
	JMP _rt0_amd64_linux(SB)
