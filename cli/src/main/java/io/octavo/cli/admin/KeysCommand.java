package io.octavo.cli.admin;

import io.octavo.cli.client.CallPath;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.command.Arguments;
import io.octavo.cli.command.ItemTable;
import io.octavo.cli.command.ListingCommand;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

@Command(
        name = "keys",
        description = "Lists the tenant's API keys; makes and revokes them. Needs a key of scope admin.",
        footer = {
            "  octavo keys",
            "  octavo keys create ci --scope submit --days 90",
            "  octavo keys revoke 123e4567-e89b-12d3-a456-426614174000"
        })
public final class KeysCommand extends ListingCommand {

    private static final ItemTable TABLE = new ItemTable()
            .text("ID", "/id")
            .text("NAME", "/name")
            .text("PREFIX", "/prefix")
            .text("SCOPE", "/scope")
            .time("CREATED", "/createdAt")
            .time("EXPIRES", "/expiresAt")
            .time("REVOKED", "/revokedAt")
            .time("LAST USED", "/lastUsedAt");

    @Override
    protected int run(OctavoClient client) throws Exception {
        return showPage(client.list(CallPath.of("keys"), limit()), TABLE::of);
    }

    @Command(
            name = "create",
            mixinStandardHelpOptions = true,
            description = "Makes a key and prints it, this once.",
            footer = {
                "  octavo keys create ci --scope submit --days 90",
                "  OCTAVO_API_KEY=$(octavo keys create laptop --scope read) octavo jobs"
            })
    int create(
            @Parameters(paramLabel = "NAME", description = "What the key is for.") String name,
            @Option(
                            names = "--scope",
                            paramLabel = "SCOPE",
                            defaultValue = "submit",
                            description = "read, submit, delete or admin. Default: ${DEFAULT-VALUE}.")
                    String scope,
            @Option(
                            names = "--days",
                            paramLabel = "N",
                            description = "Valid for so many days. Default: until it is revoked.")
                    @Nullable Integer days,
            @Option(
                            names = "--tenant",
                            paramLabel = "ID",
                            description = "Whose key it is, for operators. Default: the tenant of the key that asks.")
                    @Nullable String tenant)
            throws Exception {
        ObjectNode key = JsonNodeFactory.instance.objectNode().put("name", name).put("scope", scope);
        if (days != null) {
            key.put("expiresAt", Instant.now().plus(Duration.ofDays(days)).toString());
        }
        if (tenant != null) {
            key.put("tenant", Arguments.id(tenant).toString());
        }
        return ask(client -> {
            JsonNode made = client.post(CallPath.of("keys"), key);
            return show(made, made.path("key").asString(""));
        });
    }

    @Command(
            name = "revoke",
            mixinStandardHelpOptions = true,
            description = "Revokes a key: from now on it opens nothing.",
            footer = "  octavo keys revoke 123e4567-e89b-12d3-a456-426614174000")
    int revoke(@Parameters(paramLabel = "ID", description = "The key's id, not the key.") String id) throws Exception {
        return delete(CallPath.of("keys", Arguments.id(id)), "key " + id);
    }
}
