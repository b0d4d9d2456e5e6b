// Package heart is the room of the release's own heartbeat. ERTS started with
// -heart starts a port program of the name heart and sends it a beat every five
// seconds (OTP's kernel, heart(3)); beaminit is that program. It judges the beats
// by the timeout of the release, takes the words that heart:set_cmd/1 brings, and
// tells PID 1, which kills, restarts, reboots or pets the watchdog accordingly.
//
// What is said between the two processes is pure here (Packet, Message, Heart);
// Run is the loop around it.
package heart
