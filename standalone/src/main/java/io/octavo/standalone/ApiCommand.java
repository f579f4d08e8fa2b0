package io.octavo.standalone;

import io.octavo.api.ApiApplication;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.springframework.boot.WebApplicationType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        name = "api",
        description = "Runs the REST interface alone, on a PostgreSQL and an S3 store of your own.",
        footer = {
            "  octavo api",
            "  octavo api -- --server.port=9000 --octavo.database.url=jdbc:postgresql://db:5432/octavo"
        })
final class ApiCommand implements Callable<Integer> {

    @Mixin
    private final ListenOptions listen = new ListenOptions();

    @Parameters(paramLabel = "--KEY=VALUE", description = "Settings, such as --server.port=8080 (behind a --).")
    private List<String> settings = new ArrayList<>();

    @Override
    public Integer call() throws InterruptedException {
        var all = new ArrayList<>(settings);
        listen.settings().forEach((name, value) -> all.add("--" + name + "=" + value));
        return ServiceProcess.run("octavo-api", ApiApplication.class, WebApplicationType.SERVLET, all);
    }
}
