{application, toy,
 [{description, "tells what it was started with"},
  {vsn, "0.1.0"},
  {modules, [toy]},
  {registered, [toy]},
  {applications, [kernel, stdlib]},
  {mod, {toy, []}}]}.
