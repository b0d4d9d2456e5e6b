%% Watches the peers of this node and says on the output, one line an event,
%% when one comes, when it goes, and when all that ever came are here. Where it is told its nodes,
%% it also says of each whether it is here, when something has changed and stays so for a moment.
%%
%% It connects to nobody: that is beaminit's work.
-module(eclero_watch).
-behaviour(gen_server).
-export([start_link/0, is_health/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-record(watch, {peers :: [node()],       % that ever came, or are named; this node not among them
                here = [] :: [node()],   % of those, the ones connected
                gone = [] :: [node()],   % of those, the ones that were here once
                told = [] :: [{node(), boolean()}]}). % the table, as it was said last

-define(SETTLED, 300). % ms

start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

%% Of each node, this one too, whether it is here.
is_health() ->
    gen_server:call(?MODULE, is_health).

init([]) ->
    %% Monitor first, look second: a peer that comes in between is seen twice, never missed.
    ok = net_kernel:monitor_nodes(true),
    Here = nodes(),
    State = #watch{peers = lists:usort(expected() ++ Here), here = Here},
    say_start(State),
    {ok, State, ?SETTLED}.

handle_call(peers, _From, State = #watch{here = Here, peers = Peers}) ->
    {reply, #{here => Here, missing => Peers -- Here}, State, ?SETTLED};
handle_call(is_health, _From, State) ->
    {reply, table(State), State, ?SETTLED}.

handle_cast(_, State) ->
    {noreply, State, ?SETTLED}.

handle_info({nodeup, Node}, State = #watch{peers = Peers, here = Here, gone = Gone}) ->
    case lists:member(Node, Here) of
        true ->
            {noreply, State, ?SETTLED};
        false ->
            Word = case lists:member(Node, Gone) of
                       true -> "back";
                       false -> "here"
                   end,
            say("~ts is ~s", [host(Node), Word]),
            Now = State#watch{peers = lists:usort([Node | Peers]), here = [Node | Here], gone = lists:delete(Node, Gone)},
            say_whole(Now),
            {noreply, Now, ?SETTLED}
    end;
handle_info({nodedown, Node}, State = #watch{here = Here, gone = Gone, peers = Peers}) ->
    case lists:member(Node, Here) of
        false ->
            {noreply, State, ?SETTLED};
        true ->
            Left = lists:delete(Node, Here),
            say("~ts is gone, ~b of ~b peers left", [host(Node), length(Left), length(Peers)]),
            {noreply, State#watch{here = Left, gone = [Node | Gone]}, ?SETTLED}
    end;
handle_info(timeout, State = #watch{told = Told}) ->
    Named = application:get_env(eclero, nodes) =/= undefined,
    case table(State) of
        Told -> {noreply, State};
        _ when not Named -> {noreply, State};
        Table -> say("is_health ~ts", [lists:join(",", [io_lib:format("~ts:~s", [host(N), Is]) || {N, Is} <- Table])]),
                 {noreply, State#watch{told = Table}}
    end;
handle_info(_, State) ->
    {noreply, State, ?SETTLED}.

table(#watch{peers = Peers, here = Here}) ->
    [{N, N =:= node() orelse lists:member(N, Here)} || N <- lists:usort([node() | Peers])].

expected() ->
    Nodes = case application:get_env(eclero, nodes) of
                {ok, L} -> L;
                undefined -> application:get_env(kernel, sync_nodes_optional, [])
            end,
    lists:usort(Nodes) -- [node()].

say_start(#watch{peers = []}) ->
    say("alone so far", []);
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
