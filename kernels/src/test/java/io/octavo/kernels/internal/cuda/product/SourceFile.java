package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.internal.cuda.driver.Kernel;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The numbers of a .cu file as its source spells them, where no device can tell them: literals, and their products. */
record SourceFile(String text) implements KernelFile {

    private static final Path FOLDER = Path.of("src/main/cuda");
    private static final Pattern HEADER = Pattern.compile("#include \"(.*)\"");

    static SourceFile of(String name) {
        return new SourceFile(read("product/" + name + ".cu"));
    }

    /** With the headers that it includes. */
    private static String read(String path) {
        try {
            String text = Files.readString(FOLDER.resolve(path));
            return HEADER.matcher(text)
                    .results()
                    .map(header -> read(header.group(1)))
                    .collect(Collectors.joining("", text, ""));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public int constant(String name) {
        if (!Pattern.compile("OCTAVO_CONSTANTS\\([^)]*\\b" + name + "\\b")
                .matcher(text)
                .find()) {
            throw new IllegalStateException("not exported: " + name);
        }
        return value(name);
    }

    private int value(String term) {
        if (term.equals("kWarp")) {
            return 32;
        }
        if (!term.startsWith("k")) {
            return Integer.parseInt(term);
        }
        Matcher matcher =
                Pattern.compile("\nconstexpr int " + term + " = ([^;]*);").matcher(text);
        if (!matcher.find()) {
            throw new IllegalStateException("no constant " + term);
        }
        int product = 1;
        for (String factor : matcher.group(1).split(" \\* ", -1)) {
            product *= value(factor);
        }
        return product;
    }

    @Override
    public Kernel kernel(String name) {
        throw new UnsupportedOperationException("no device");
    }

    @Override
    public Kernel kernel(String name, int sharedBytes) {
        throw new UnsupportedOperationException("no device");
    }
}
