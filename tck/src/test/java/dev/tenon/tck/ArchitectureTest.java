package dev.tenon.tck;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;

import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

class ArchitectureTest {
    @Test
    void theContractKnowsNothingButTheInterfaceAndStreams() {
        classes()
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "dev.tenon.tck..",
                        "dev.tenon.core.spi..",
                        // what a host makes of its files, so that volumes can leave and arrive
                        "dev.tenon.core.stream..",
                        "dev.tenon.core.linux..",
                        // programs that look at what a plugin has made, which may hang
                        "dev.tenon.core.command..",
                        // how a host shows the disks of a guest
                        "dev.tenon.core.backup.nbd..",
                        "java..",
                        "org.junit.jupiter..",
                        // a program that is no test has it checked
                        "org.junit.platform..",
                        "org.opentest4j..",
                        "org.assertj.core..",
                        "org.jspecify..")
                .check(new ClassFileImporter()
                        .withImportOption(new ImportOption.DoNotIncludeTests())
                        .importPackages("dev.tenon.tck"));
    }
}
