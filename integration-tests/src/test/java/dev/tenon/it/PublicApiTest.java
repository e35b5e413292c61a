package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.tenon.it.support.Installation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What services and storage types of others are compiled against. */
class PublicApiTest {
    private static final Path RECORD =
            Installation.home().resolve("integration-tests/src/test/resources/public-api.txt");

    /** The packages, or single classes, that docs/JAVA_SERVICE.md tells others to use. */
    private static final String[] PACKAGES = {"dev.tenon.core.spi", "dev.tenon.bridge.perl", "dev.tenon.tck"};

    private static final Set<String> SINGLE = Set.of(
            "dev.tenon.bridge.transport.UnixSockets",
            "dev.tenon.bridge.serve.Daemon",
            "dev.tenon.bridge.serve.ServedPlugins",
            "dev.tenon.core.storage.common.DevicePlugin");

    private static SortedSet<String> found() {
        SortedSet<String> lines = new TreeSet<>();
        new ClassFileImporter()
                .withImportOption(new ImportOption.DoNotIncludeTests()).importPackages("dev.tenon").stream()
                        .filter(PublicApiTest::isOfOthers)
                        .forEach(type -> {
                            lines.add(type.getName());
                            type.getMembers().stream()
                                    .filter(PublicApiTest::isVisible)
                                    .forEach(member -> lines.add(line(type, member)));
                        });
        return lines;
    }

    private static boolean isOfOthers(JavaClass type) {
        boolean isNamed = SINGLE.contains(type.getName())
                || Stream.of(PACKAGES).anyMatch(name -> type.getPackageName().equals(name));
        return isNamed
                && type.getModifiers().contains(JavaModifier.PUBLIC)
                && type.getEnclosingClass().map(PublicApiTest::isOfOthers).orElse(true);
    }

    private static boolean isVisible(JavaMember member) {
        Set<JavaModifier> modifiers = member.getModifiers();
        return !modifiers.contains(JavaModifier.SYNTHETIC)
                && (modifiers.contains(JavaModifier.PUBLIC) || modifiers.contains(JavaModifier.PROTECTED));
    }

    private static String line(JavaClass type, JavaMember member) {
        String kind = member.getModifiers().contains(JavaModifier.STATIC) ? " static " : " ";
        return type.getName() + kind
                + member.getFullName().substring(type.getName().length() + 1) + " "
                + member.getDescriptor().replaceFirst(".*\\)", "");
    }

    /** What is new need not be recorded before the next release. */
    @Test
    void nothingThatWasRecordedIsGone() throws IOException {
        SortedSet<String> found = found();
        if (Boolean.getBoolean("tenon.update")) {
            Files.write(RECORD, found);
        }
        SortedSet<String> gone = new TreeSet<>(Files.readAllLines(RECORD));
        gone.removeAll(found);

        assertThat(gone)
                .as(
                        "others may use this; if it has to go, say so in CHANGELOG.md, run"
                                + " 'mvn -pl integration-tests -am test -Dtest=PublicApiTest -Dtenon.update=true' and commit the record")
                .isEmpty();
        assertThat(found).hasSizeGreaterThan(300);
    }
}
