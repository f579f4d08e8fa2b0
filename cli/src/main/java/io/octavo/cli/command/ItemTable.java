package io.octavo.cli.command;

import io.octavo.cli.terminal.Quantity;
import io.octavo.cli.terminal.TextTable;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/** What the service lists, as a table with a column for each member that matters to people. */
public final class ItemTable {

    private record Column(String heading, char side, Function<JsonNode, String> cell) {}

    private final List<Column> columns = new ArrayList<>();

    /** @param pointer of the member, such as {@code /offer/threads} */
    public ItemTable text(String heading, String pointer) {
        return column(heading, 'l', item -> text(item.at(pointer)));
    }

    public ItemTable time(String heading, String pointer) {
        return column(heading, 'l', item -> time(item.at(pointer)));
    }

    public ItemTable bytes(String heading, String pointer) {
        return column(heading, 'r', item -> Quantity.bytes(item.at(pointer).asLong(0)));
    }

    private ItemTable column(String heading, char side, Function<JsonNode, String> cell) {
        columns.add(new Column(heading, side, cell));
        return this;
    }

    public String of(List<JsonNode> items) {
        String sides = columns.stream().map(column -> "" + column.side()).collect(Collectors.joining());
        TextTable table = TextTable.of(sides);
        table.row(columns.stream().map(Column::heading).toArray());
        items.forEach(item -> table.row(
                columns.stream().map(column -> column.cell().apply(item)).toArray()));
        return table.toString();
    }

    /** Each member of one thing that is there. */
    public static String facts(JsonNode thing) {
        TextTable table = TextTable.facts();
        thing.forEachEntry((name, value) -> table.row(
                name.replaceAll("(?<=[a-z])(?=[A-Z])", " ").toLowerCase(Locale.ROOT),
                value.isNull() ? null : name.endsWith("Bytes") ? Quantity.bytes(value.asLong(0)) : text(value)));
        return table.toString();
    }

    private static String text(JsonNode value) {
        if (value.isArray()) {
            return value.valueStream().map(ItemTable::text).collect(Collectors.joining(", "));
        }
        String text = value.isObject() ? value.toString() : value.asString("");
        return text.replaceAll("[\\p{Cntrl}\\p{Cf}\\p{Zl}\\p{Zp}]+", " ");
    }

    private static String time(JsonNode value) {
        return value.isString()
                ? Instant.parse(value.stringValue())
                        .truncatedTo(ChronoUnit.SECONDS)
                        .toString()
                : "";
    }
}
