%% Watches the peers of this node and says on the output, one line an event,
%% when one goes, when it is back, and when the cluster is whole.
%%
%% After a partition nothing in OTP reconnects two nodes that do not talk to each
%% other by themselves, so this process dials the missing peers again and again.
-module(eclero_watch).
-behaviour(gen_server).
-export([start_link/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-record(watch, {peers :: [node()],       % expected, this node not among them
                here = [] :: [node()],   % of those, the ones connected
                gone = [] :: [node()],   % of those, the ones that were here once
                retry :: pos_integer(),  % ms between two rounds of dialling
                dialler :: undefined | pid()}).

start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

init([]) ->
    %% Monitor first, look second: a peer that comes in between is seen twice, never missed.
    ok = net_kernel:monitor_nodes(true),
    Peers = expected(),
    Here = [N || N <- nodes(), lists:member(N, Peers)],
    {ok, Retry} = application:get_env(eclero, retry_ms),
    State = #watch{peers = Peers, here = Here, retry = Retry},
    say_start(State),
    self() ! dial,
    {ok, State}.

handle_call(peers, _From, State = #watch{here = Here, peers = Peers}) ->
    {reply, #{here => Here, missing => Peers -- Here}, State}.

handle_cast(_, State) ->
    {noreply, State}.

handle_info({nodeup, Node}, State = #watch{peers = Peers, here = Here, gone = Gone}) ->
    case lists:member(Node, Peers) andalso not lists:member(Node, Here) of
        false ->
            {noreply, State};
        true ->
            Word = case lists:member(Node, Gone) of
                       true -> "back";
                       false -> "here"
                   end,
            say("~ts is ~s", [host(Node), Word]),
            Now = State#watch{here = [Node | Here], gone = lists:delete(Node, Gone)},
            say_whole(Now),
            {noreply, Now}
    end;
handle_info({nodedown, Node}, State = #watch{here = Here, gone = Gone, peers = Peers}) ->
    case lists:member(Node, Here) of
        false ->
            {noreply, State};
        true ->
            Left = lists:delete(Node, Here),
            say("~ts is gone, ~b of ~b peers left", [host(Node), length(Left), length(Peers)]),
            {noreply, State#watch{here = Left, gone = [Node | Gone]}}
    end;
handle_info(dial, State = #watch{dialler = undefined, retry = Retry}) ->
    erlang:send_after(Retry, self(), dial),
    {noreply, dial(State)};
handle_info(dial, State = #watch{retry = Retry}) ->
    erlang:send_after(Retry, self(), dial),
    {noreply, State};
handle_info({'DOWN', _, process, Pid, _}, State = #watch{dialler = Pid}) ->
    {noreply, State#watch{dialler = undefined}};
handle_info(_, State) ->
    {noreply, State}.

%% connect_node can take net_setuptime for each peer that does not answer: another
%% process waits for it, so that this one can go on saying what it sees.
dial(State = #watch{peers = Peers, here = Here}) ->
    case Peers -- Here of
        [] ->
            State;
        Missing ->
            {Pid, _} = spawn_monitor(fun() -> [net_kernel:connect_node(N) || N <- Missing] end),
            State#watch{dialler = Pid}
    end.

expected() ->
    Nodes = case application:get_env(eclero, peers) of
                {ok, L} -> L;
                undefined -> application:get_env(kernel, sync_nodes_optional, [])
            end,
    lists:usort(Nodes) -- [node()].

say_start(#watch{peers = []}) ->
    say("alone: no peers are named", []);
say_start(State = #watch{peers = Peers, here = Here}) ->
    case Peers -- Here of
        [] -> say_whole(State);
        Missing -> say("waiting for ~ts", [lists:join(", ", [host(N) || N <- Missing])])
    end.

say_whole(#watch{peers = Peers, here = Here}) ->
    case Peers -- Here of
        [] -> say("the cluster is whole: ~b nodes", [length(Peers) + 1]);
        _ -> ok
    end.

%% One call a line: the line leaves the VM in one piece.
say(Format, Args) ->
    io:format("eclero: " ++ Format ++ "~n", Args).

host(Node) ->
    [_, Host] = string:split(atom_to_list(Node), "@"),
    Host.
