// notify is the runtime's flag for "deliver it to who asks for it": without others, a
// signal that nobody asks for does nothing.
#define notify $1

// FLAGS is where the runtime's table has those of signal n, with entries of that size.
#define FLAGS(n, size) runtime·sigtable+n*size(SB)
