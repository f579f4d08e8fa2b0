import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * Adds up the surefire reports of all modules: what was skipped and why, what failed, and one closing line.
 *
 * <p>Run as {@code java TestSummary.java ROOT}; the exit code is 1 if a test failed, was skipped for a
 * reason that is not on a short list, or none ran.
 */
public class TestSummary {

    /**
     * What a test may be skipped for, and where: a skip that nobody knows of is a test that nobody runs. The last two lines
     * are of tests on reference files that are too large for the repository.
     */
    private static final List<Pattern> KNOWN_SKIPS = Stream.of(
                    "no GPU: .*",
                    ".*[Dd]ocker.*",
                    "built without npm.*",
                    "needs -Doctavo.chat-cases.*",
                    ".*figures need an idle machine .*",
                    ".*pg_dump and pg_restore.*",
                    "needs a Python with huggingface_hub.*",
                    "needs /dev/.*|.*DiskFullTest.*",
                    ".*EmbeddedDatabaseTest.*",
                    ".*EnabledOnOs.*|Disabled on operating system.*",
                    "reference data is absent: .*NumberFormatsTest.*",
                    "needs ../shared/.*\\.(BatchInvariance|GoldenEvaluation|GoldenGeneration|GoldenLogits|Checkpoint|Quantizer)Test\\)")
            .map(Pattern::compile)
            .toList();

    private final List<String> failed = new ArrayList<>();
    private final TreeMap<String, Integer> skippedByReason = new TreeMap<>();
    private int passed;
    private int skipped;

    public static void main(String[] args) throws Exception {
        var summary = new TestSummary();
        for (Path report : reports(Path.of(args[0]))) {
            summary.add(report);
        }
        summary.print(new PrintStream(System.out, true, StandardCharsets.UTF_8));
        System.exit(summary.failed.isEmpty() && summary.passed > 0 ? 0 : 1);
    }

    private static List<Path> reports(Path root) throws IOException {
        List<Path> reports = new ArrayList<>();
        try (Stream<Path> modules = Files.list(root)) {
            for (Path module : modules.sorted().toList()) {
                Path folder = module.resolve("target/surefire-reports");
                if (Files.isDirectory(folder)) {
                    try (Stream<Path> files = Files.list(folder)) {
                        files.filter(file -> file.getFileName().toString().matches("TEST-.*\\.xml"))
                                .sorted()
                                .forEach(reports::add);
                    }
                }
            }
        }
        return reports;
    }

    private void add(Path report) throws Exception {
        DocumentBuilder parser = DocumentBuilderFactory.newInstance().newDocumentBuilder();
        NodeList cases = parser.parse(report.toFile()).getElementsByTagName("testcase");
        for (int i = 0; i < cases.getLength(); i++) {
            Element test = (Element) cases.item(i);
            String name = test.getAttribute("classname") + "." + test.getAttribute("name");
            NodeList skips = test.getElementsByTagName("skipped");
            if (test.getElementsByTagName("failure").getLength() + test.getElementsByTagName("error").getLength() > 0) {
                failed.add(name);
            } else if (skips.getLength() > 0) {
                skipped++;
                String skip = reason((Element) skips.item(0)).replaceFirst("^Assumption failed: ", "") + " (" + test.getAttribute("classname") + ")";
                skippedByReason.merge(skip, 1, Integer::sum);
                if (KNOWN_SKIPS.stream().noneMatch(known -> known.matcher(skip).matches())) {
                    failed.add(name + ", skipped for a reason that is not on the list of .ci/TestSummary.java");
                }
            } else {
                passed++;
            }
        }
    }

    private static String reason(Element skip) {
        String message = skip.getAttribute("message");
        String text = message.isBlank() ? skip.getTextContent() : message;
        return text.lines()
                .filter(line -> !line.isBlank())
                .findFirst()
                .map(line -> line.strip().replaceFirst("^[\\w.]*TestAbortedException: ", ""))
                .orElse("no reason given");
    }

    private void print(PrintStream out) {
        out.println();
        skippedByReason.forEach((reason, count) -> out.println("skipped " + count + ": " + reason));
        failed.forEach(name -> out.println("failed: " + name));
        out.println(passed + " passed, " + failed.size() + " failed, " + skipped + " skipped");
    }
}
