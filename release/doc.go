// Package release is the room of the Erlang/OTP release: Find looks for one in
// the directories of the configuration and understands its layout (a systools
// tar, relx, mix release); Release.Command computes what starts it (program,
// arguments, environment, the files they need) the way the release's own script
// would, without that script, a shell or epmd; Command.Prepare writes those
// files. Nothing here starts a process.
package release
