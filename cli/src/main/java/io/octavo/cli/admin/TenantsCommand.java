package io.octavo.cli.admin;

import io.octavo.cli.client.CallPath;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.command.Arguments;
import io.octavo.cli.command.ItemTable;
import io.octavo.cli.command.ListingCommand;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

@Command(
        name = "tenants",
        description = "Lists tenants; makes, shows, limits and deletes them, and grants them namespaces."
                + " Needs the operator's key.",
        footer = {
            "  octavo tenants --search acme",
            "  octavo tenants create acme",
            "  octavo tenants grant 123e4567-e89b-12d3-a456-426614174000 acme-research",
            "  octavo keys create acme-admin --scope admin --tenant 123e4567-e89b-12d3-a456-426614174000"
        })
public final class TenantsCommand extends ListingCommand {

    private static final ItemTable TABLE =
            new ItemTable().text("ID", "/id").text("NAME", "/name").time("CREATED", "/createdAt");

    @Option(names = "--search", paramLabel = "TEXT", description = "Only those whose names hold this.")
    private @Nullable String search;

    @Override
    protected int run(OctavoClient client) throws Exception {
        return showPage(client.list(CallPath.of("tenants").with("search", search), limit()), TABLE::of);
    }

    @Command(
            name = "create",
            mixinStandardHelpOptions = true,
            description = "Makes a tenant and prints its id.",
            footer = "  octavo tenants create acme")
    int create(@Parameters(paramLabel = "NAME", description = "The tenant's name.") String name) throws Exception {
        return ask(client -> {
            JsonNode made = client.post(CallPath.of("tenants"), Map.of("name", name));
            return show(made, made.path("id").asString(""));
        });
    }

    @Command(
            name = "show",
            mixinStandardHelpOptions = true,
            description = "Shows what a tenant uses and may use.",
            footer = "  octavo tenants show 123e4567-e89b-12d3-a456-426614174000")
    int show(@Parameters(paramLabel = "ID", description = "The tenant.") String id) throws Exception {
        return ask(client -> showFacts(client.get(tenant(id))));
    }

    @Command(
            name = "quota",
            mixinStandardHelpOptions = true,
            description = "Limits what a tenant may store.",
            footer = {
                "  octavo tenants quota 123e4567-e89b-12d3-a456-426614174000 500000000000",
                "  octavo tenants quota 123e4567-e89b-12d3-a456-426614174000"
            })
    int quota(
            @Parameters(paramLabel = "ID", description = "The tenant.") String id,
            @Parameters(arity = "0..1", paramLabel = "BYTES", description = "Default: the service's own limit.")
                    @Nullable Long bytes)
            throws Exception {
        return ask(
                client -> showFacts(client.put(tenant(id).then("quota"), Collections.singletonMap("maxBytes", bytes))));
    }

    @Command(
            name = "namespaces",
            mixinStandardHelpOptions = true,
            description = "Lists where a tenant may make repositories.",
            footer = "  octavo tenants namespaces 123e4567-e89b-12d3-a456-426614174000")
    int namespaces(@Parameters(paramLabel = "ID", description = "The tenant.") String id) throws Exception {
        return ask(client -> {
            List<JsonNode> names = client.get(tenant(id).then("namespaces"))
                    .path("items")
                    .valueStream()
                    .toList();
            return show(
                    names,
                    String.join("\n", names.stream().map(JsonNode::asString).toList()));
        });
    }

    @Command(
            name = "grant",
            mixinStandardHelpOptions = true,
            description = "Lets a tenant make repositories in a namespace.",
            footer = "  octavo tenants grant 123e4567-e89b-12d3-a456-426614174000 acme-research")
    int grant(
            @Parameters(paramLabel = "ID", description = "The tenant.") String id,
            @Parameters(paramLabel = "NAMESPACE", description = "What stands before the slash.") String namespace)
            throws Exception {
        return ask(client -> {
            client.put(tenant(id).then("namespaces", namespace), null);
            return show(Map.of("granted", namespace), "granted " + namespace);
        });
    }

    @Command(
            name = "revoke",
            mixinStandardHelpOptions = true,
            description = "Takes a namespace without repositories from a tenant.",
            footer = "  octavo tenants revoke 123e4567-e89b-12d3-a456-426614174000 acme-research")
    int revoke(
            @Parameters(paramLabel = "ID", description = "The tenant.") String id,
            @Parameters(paramLabel = "NAMESPACE", description = "What stands before the slash.") String namespace)
            throws Exception {
        return delete(tenant(id).then("namespaces", namespace), "namespace " + namespace);
    }

    @Command(
            name = "delete",
            mixinStandardHelpOptions = true,
            description = "Deletes a tenant with all that it has.",
            footer = "  octavo tenants delete 123e4567-e89b-12d3-a456-426614174000")
    int remove(@Parameters(paramLabel = "ID", description = "The tenant.") String id) throws Exception {
        return delete(tenant(id), "tenant " + id);
    }

    private static CallPath tenant(String id) {
        return CallPath.of("tenants", Arguments.id(id));
    }
}
