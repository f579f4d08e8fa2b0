package io.octavo.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The command as a process of its own.
 *
 * @param file holds what it says on both streams
 */
record OctavoProcess(Process process, Path file) implements AutoCloseable {

    static OctavoProcess start(Path file, String... arguments) throws IOException {
        return start(file, OctavoMain.class, arguments);
    }

    /** @param main in place of the command's own */
    static OctavoProcess start(Path file, Class<?> main, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                main.getName()));
        command.addAll(List.of(arguments));
        return new OctavoProcess(
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(file.toFile())
                        .start(),
                file);
    }

    /** @param name without SIG */
    void signal(String name) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + name, "" + process.pid()).start().waitFor();
    }

    int exitCode() throws InterruptedException {
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("has ended").isTrue();
        return process.exitValue();
    }

    String output() throws IOException {
        return Files.readString(file);
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
