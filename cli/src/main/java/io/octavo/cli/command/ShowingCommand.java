package io.octavo.cli.command;

import io.octavo.cli.client.CallPath;
import io.octavo.cli.client.WireJson;
import io.octavo.wire.Page;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import tools.jackson.databind.JsonNode;

/** A command that prints what the server told, for people or as JSON. */
public abstract class ShowingCommand extends ServerCommand {

    @Option(names = "--json", scope = ScopeType.INHERIT, description = "Prints JSON.")
    private boolean json;

    protected int show(Object told, String text) {
        terminal().out().println(json ? WireJson.pretty(told) : text);
        return ExitCode.OK;
    }

    protected int showFacts(JsonNode told) {
        return show(told, ItemTable.facts(told));
    }

    /** Those that were asked for, and, for people, whether there are more. */
    protected <T> int showPage(Page<T> page, Function<List<T>, String> text) {
        show(page.items(), text.apply(page.items()));
        if (page.nextCursor() != null) {
            terminal().err().println("there are more; --limit shows them");
        }
        return ExitCode.OK;
    }

    protected int delete(CallPath path, String what) throws Exception {
        return ask(client -> {
            client.delete(path);
            return show(Map.of("deleted", what), "deleted " + what);
        });
    }
}
