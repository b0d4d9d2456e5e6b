%% Says when all applications have been started, and when the node is connected to both of
%% its peers: the seconds since the kernel began (proc(5), /proc/uptime), and the CPU time that
%% each process has used until then, its ended children's included, in hundredths of a second
%% (/proc/PID/stat, fields 14 to 17).
Read = fun(File) -> case file:read_file(File) of {ok, Text} -> Text; _ -> <<>> end end,
Used = fun(Process) ->
    case re:run(Read(Process ++ "/stat"), "\\((.*)\\) (.*)", [{capture, all_but_first, list}]) of
        {match, [Name, Rest]} ->
            Times = lists:sublist(string:split(Rest, " ", all), 12, 4),
            [[" ", Name, "=", integer_to_list(lists:sum([list_to_integer(T) || T <- Times]))]];
        nomatch -> []
    end
end,
Say = fun(What) ->
    [Up | _] = binary:split(Read("/proc/uptime"), <<" ">>),
    Processes = [P || P <- filelib:wildcard("/proc/[0-9]*"), Read(P ++ "/cmdline") =/= <<>>],
    io:format("bench: ~s ~s~s~n", [What, Up, lists:map(Used, Processes)])
end,
Whole = fun Wait() ->
    case nodes() of
        [_, _] -> Say(whole);
        _ -> receive {nodeup, _} -> Wait(); {nodedown, _} -> Wait() end
    end
end,
Say(started),
spawn(fun() -> net_kernel:monitor_nodes(true), Whole() end).
