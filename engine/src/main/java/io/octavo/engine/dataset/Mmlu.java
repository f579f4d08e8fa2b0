package io.octavo.engine.dataset;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.request.EvaluationTask.ChoiceFormat.MmluCsv;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * MMLU's CSV files (Hendrycks et al., arXiv 2009.03300), read as hostile input, with the prompts of
 * lm-evaluation-harness's task {@code mmlu}: the letters are what is chosen among.
 */
public final class Mmlu {

    private static final String TEST = MmluCsv.TEST;
    private static final String DEV = MmluCsv.DEV;
    private static final int DEPTH = 4;
    private static final int COLUMNS = 6;
    private static final List<String> LETTERS = List.of("A", "B", "C", "D");

    private Mmlu() {}

    /** @param subject such as {@code abstract_algebra} */
    public record Section(String subject, List<Datasets.Item> items) {

        public Section {
            items = List.copyOf(items);
        }
    }

    /** The four groups that tables show, with the subjects that the harness puts into each. */
    public enum Category {
        STEM(
                "stem",
                "abstract_algebra anatomy astronomy college_biology college_chemistry college_computer_science"
                        + " college_mathematics college_physics computer_security conceptual_physics"
                        + " electrical_engineering elementary_mathematics high_school_biology high_school_chemistry"
                        + " high_school_computer_science high_school_mathematics high_school_physics"
                        + " high_school_statistics machine_learning"),
        SOCIAL_SCIENCES(
                "social_sciences",
                "econometrics high_school_geography high_school_government_and_politics high_school_macroeconomics"
                        + " high_school_microeconomics high_school_psychology human_sexuality professional_psychology"
                        + " public_relations security_studies sociology us_foreign_policy"),
        HUMANITIES(
                "humanities",
                "formal_logic high_school_european_history high_school_us_history high_school_world_history"
                        + " international_law jurisprudence logical_fallacies moral_disputes moral_scenarios philosophy"
                        + " prehistory professional_law world_religions"),
        OTHER(
                "other",
                "business_ethics clinical_knowledge college_medicine global_facts human_aging management marketing"
                        + " medical_genetics miscellaneous nutrition professional_accounting professional_medicine"
                        + " virology");

        private final String key;
        private final String subjects;

        Category(String key, String subjects) {
            this.key = key;
            this.subjects = subjects;
        }

        /** As results name it. */
        public String key() {
            return key;
        }

        public Set<String> subjects() {
            return Set.of(subjects.split(" "));
        }
    }

    /**
     * @param source a folder, or one file
     * @param fewShot examples before each question, the first ones of the subject's dev file
     * @param limit of items of each subject
     * @return by subject, in the order of their names
     * @throws QuantizationException {@code dataset-not-found} or {@code dataset-invalid}
     */
    public static List<Section> read(Path source, int fewShot, int limit) {
        Map<String, Path> tests = new TreeMap<>();
        Map<String, Path> developments = new TreeMap<>();
        if (Files.isDirectory(source)) {
            for (Path file : files(source)) {
                put(file, TEST, tests);
                put(file, DEV, developments);
            }
        } else {
            String name = source.getFileName().toString();
            String subject = name.endsWith(TEST) ? subject(name, TEST) : name.replaceFirst("\\.csv$", "");
            tests.put(subject, source);
            developments.put(subject, examplesOf(source, subject));
        }
        if (tests.isEmpty()) {
            throw invalid("dataset " + source.getFileName() + " has no file that ends in " + TEST);
        }
        List<Section> sections = new ArrayList<>();
        tests.forEach(
                (subject, file) -> sections.add(section(subject, file, developments.get(subject), fewShot, limit)));
        return sections;
    }

    private static Section section(String subject, Path file, @Nullable Path development, int fewShot, int limit) {
        var prompt = new StringBuilder("The following are multiple choice questions (with answers) about "
                + subject.replace('_', ' ') + ".\n\n");
        if (fewShot > 0) {
            if (development == null) {
                throw invalid("subject " + subject + " has no file " + subject + DEV + ", of which " + fewShot
                        + " examples are to be shown");
            }
            List<Question> shown = questions(development, fewShot);
            if (shown.size() < fewShot) {
                throw invalid(development.getFileName() + " has " + shown.size() + " questions; " + fewShot
                        + " examples are to be shown");
            }
            shown.forEach(question -> prompt.append(question.text())
                    .append(' ')
                    .append(LETTERS.get(question.answer()))
                    .append("\n\n"));
        }
        return new Section(
                subject,
                questions(file, limit).stream()
                        .map(question -> new Datasets.Item(prompt + question.text(), LETTERS, question.answer()))
                        .toList());
    }

    private record Question(String text, int answer) {}

    private static List<Question> questions(Path file, int limit) {
        List<Question> questions = new ArrayList<>();
        List<List<String>> records = Csv.read(Datasets.read(file));
        for (int i = 0; i < records.size() && questions.size() < limit; i++) {
            List<String> record = records.get(i);
            if (i == 0 && record.size() == COLUMNS && record.getLast().equalsIgnoreCase("answer")) {
                continue; // names of the columns, which the original files lack
            }
            int answer = record.size() == COLUMNS ? LETTERS.indexOf(record.getLast()) : -1;
            if (answer < 0) {
                throw invalid(file.getFileName() + " record " + (i + 1)
                        + ": must be question, four choices and A, B, C or D; has " + record.size() + " fields");
            }
            var text = new StringBuilder(Whitespace.strip(record.getFirst()));
            for (int choice = 0; choice < LETTERS.size(); choice++) {
                text.append('\n').append(LETTERS.get(choice)).append(". ").append(record.get(choice + 1));
            }
            questions.add(new Question(text.append("\nAnswer:").toString(), answer));
        }
        return questions;
    }

    private static void put(Path file, String ending, Map<String, Path> files) {
        String name = file.getFileName().toString();
        if (name.endsWith(ending) && files.put(subject(name, ending), file) != null) {
            throw invalid("there are two files " + name);
        }
    }

    private static String subject(String name, String ending) {
        return name.substring(0, name.length() - ending.length());
    }

    private static Path examplesOf(Path test, String subject) {
        Path beside = test.resolveSibling(subject + DEV);
        Path folder = test.toAbsolutePath().getParent();
        return Files.exists(beside) || folder == null
                ? beside
                : folder.resolveSibling("dev").resolve(subject + DEV);
    }

    private static List<Path> files(Path folder) {
        try (Stream<Path> found = Files.walk(folder, DEPTH)) {
            return found.filter(file -> MmluCsv.reads(file.getFileName().toString()))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new QuantizationException(
                    ErrorCode.IO_FAILED, "dataset " + folder.getFileName() + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static QuantizationException invalid(String why) {
        return new QuantizationException(ErrorCode.DATASET_INVALID, why);
    }
}
