package Tenon::Inspect::Compat;

use v5.36;

use File::Basename qw(dirname);

use Tenon::Inspect::Names;

my $DIRECTORY = dirname(__FILE__) . '/../../../compat';

my %TEXTS;

# Whether a function of PVE works on the compat layer. A class answers by what it inherits, too, and a module that is not
# there at all is told elsewhere, so both count as available.
sub offers ($module, $name) {
    return 1
        if $module
        =~ m/\APVE::(?:Storage::\w+Plugin|Storage::Plugin(?:Base)?|SectionConfig|\w+Environment)\z/;
    my $text = $TEXTS{$module} //= _text($module);
    return 1 if $text eq '';
    return $text =~ m/^\s*(?:sub|use constant)\s+\Q$name\E\b/m || $text =~ m/\b\Q$name\E\s*=>/;
}

sub _text ($module) {
    my $path = "$DIRECTORY/" . ($module =~ s{::}{/}gr);
    my $text = '';
    for my $file (grep { -f } "$path.pm", "$path/Further.pm") {
        open(my $fh, '<', $file) or die "cannot read '$file': $!\n";
        local $/ = undef;
        $text .= <$fh>;
        close($fh);
    }
    return $text;
}

# What the layer lacks of this, as hashes with {module}, {name} and {line}, undef for what is imported.
sub lacking ($source) {
    my $names = Tenon::Inspect::Names->load;
    my @used = $source->pve_calls;
    for my $module ($source->modules) {
        push @used, map { { module => $module->{name}, name => $_ } }
            grep { m/\A\w+\z/ } $module->{imports}->@*;
    }
    my @lacking;
    for my $use (grep { $names->is_module($_->{module}) } @used) {
        my ($module, $name) = $use->@{qw(module name)};
        push @lacking, $use
            if $names->has_function($module, $name) && $name ne 'import' && !offers($module, $name);
    }
    return @lacking;
}

1;

__END__

=head1 NAME

Tenon::Inspect::Compat - what of PVE's functions the compat layer has

=head1 SYNOPSIS

    say "$_->{module}::$_->{name}" for Tenon::Inspect::Compat::lacking($source);

=head1 FUNCTIONS

=head2 offers

    my $works = Tenon::Inspect::Compat::offers('PVE::Tools', 'df');

Whether a function works on the compat layer, by its text; nothing is loaded. True for methods of classes and for modules
that the layer does not have.

=head2 lacking

The functions of PVE that a L<Tenon::Inspect::Source> calls or imports and that the layer does not offer.

=cut
