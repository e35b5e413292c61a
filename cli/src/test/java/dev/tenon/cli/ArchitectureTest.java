package dev.tenon.cli;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

class ArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.tenon");

    @Test
    void nothingDependsOnTheCommand() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.tenon.cli..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.tenon.cli..")
                .check(CLASSES);
    }

    @Test
    void theHostKnowsNeitherWireNorPlugins() {
        noClasses()
                .that()
                .resideInAPackage("dev.tenon.host..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("dev.tenon.proto..", "dev.tenon.bridge.session..", "dev.tenon.core.storage..")
                .check(CLASSES);
    }

    @Test
    void onlyTheCommandKnowsPicocliAndLogback() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.tenon.cli..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("picocli..", "ch.qos.logback..")
                .check(CLASSES);
    }
}
