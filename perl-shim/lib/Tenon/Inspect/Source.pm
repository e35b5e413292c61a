package Tenon::Inspect::Source;

use v5.36;

use Tenon::Loader;

sub new ($class, $source) {
    my $text = $source =~ s/^__(?:END|DATA)__\b.*//msr;
    $text =~ s{^(=[a-zA-Z].*?(?:^=cut\b[^\n]*|\z))}{_lines($1)}gems;

    # Comments are removed; in {code} the content of strings too.
    my $string = qr/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/;
    my $comment = qr/(?:^|(?<=[\s;{}(),]))\#[^\n]*/m;
    my $code = $text =~ s/($string)|$comment/defined($1) ? q("") : q()/ger;
    $text =~ s/($string)|$comment/$1 \/\/ q()/ge;
    return bless { code => $code, text => $text }, $class;
}

# As many lines, so that those below keep their numbers.
sub _lines ($text) {
    return "\n" x ($text =~ tr/\n//);
}

sub _line_of ($text, $position) {
    return 1 + (substr($text, 0, $position) =~ tr/\n//);
}

# The file without comments and POD, its lines where they were.
sub text ($self) {
    return $self->{text};
}

sub packages ($self) {
    return Tenon::Loader::packages($self->{text});
}

sub subs ($self) {
    my %seen;
    return grep { !$seen{$_}++ } $self->{code} =~ m/^\s*sub\s+(\w+)/mg;
}

# The names of the base classes.
sub bases ($self) {
    my @bases;
    while ($self->{text} =~ m/^\s*use\s+(?:base|parent)\b([^;]*);/mg) {
        push @bases, grep { m/\A[A-Za-z]/ && $_ ne 'qw' } $1 =~ m/([-\w]+(?:::\w+)*)/g;
    }
    while ($self->{text} =~ m/\@ISA\s*=([^;]*);/g) {
        push @bases, grep { $_ ne 'qw' } $1 =~ m/([A-Za-z]\w*(?:::\w+)*)/g;
    }
    return @bases;
}

# The modules that are used, in the order of the file, as hashes with {name}, {imports} and {optional}. What is only
# required in an eval is optional.
sub modules ($self) {
    my (@modules, %by_name);
    my $add = sub ($name, $imports, $optional) {
        my $module = $by_name{$name} //= do {
            push @modules, { name => $name, imports => [], optional => 1 };
            $modules[-1];
        };
        push $module->{imports}->@*, $imports->@*;
        $module->{optional} &&= $optional;
    };
    my $text = $self->{text};
    my $own = join('|', map { quotemeta } $self->packages) || '(?!)';
    while ($text =~ m/(?:^|[;{}])\s*\K(use|require)\s+([A-Z]\w*(?:::\w+)*)\b\s*([^;{}]*)/mg) {
        my ($how, $name, $rest, $start) = ($1, $2, $3, $-[0]);
        next if $name =~ m/\A(?:$own)\z/;
        my $before = substr($text, $start > 200 ? $start - 200 : 0, $start > 200 ? 200 : $start);
        my $optional = $before =~ m/\beval\s*\{[^}]*\z/ && $how eq 'require';
        $add->($name, $how eq 'use' ? _words($rest) : [], $optional);
    }
    $add->($_, [], 0) for grep { !m/\A(?:$own)\z/ } $self->bases;
    return @modules;
}

sub _words ($list) {
    my @words;
    push @words, split(' ', $1 // $2) while $list =~ m/qw\s*(?:\(([^)]*)\)|[\/\[<|]([^\/\]>|]*))/g;
    push @words, $1 while $list =~ m/["']([^"']+)["']/g;
    return \@words;
}

# Calls into PVE, as hashes with {module}, {name} and {line}: PVE::X::y(...), &PVE::X::y and PVE::X->y. A call is left out if
# its function is tested before, by can or defined.
sub pve_calls ($self) {
    my $code = $self->{code};
    my %guarded = map { $_ => 1 } $self->{text} =~ m/->can\(\s*["'](\w+)["']/g;
    $guarded{$_} = 1 for $code =~ m/\bdefined\s*\(?\s*&(?:\w+::)+(\w+)/g;
    my @calls;
    while ($code =~ m/([\$\@%*]?)(&?)\b(PVE(?:::\w+)*)(::|->)(\w+)\b(\s*\(|::)?/g) {
        my ($sigil, $reference, $module, $how, $name, $next, $start) =
            ($1, $2, $3, $4, $5, $6 // '', $-[0]);
        next if $sigil || $next eq '::' || $guarded{$name};
        next if $how eq '::' && !$reference && $next eq '';
        next
            if substr($code, $start > 20 ? $start - 20 : 0, $start > 20 ? 20 : $start)
            =~ m/\b(?:use|require|package|no)\s+\z/;
        push @calls, { module => $module, name => $name, line => _line_of($code, $start) };
    }
    return @calls;
}

# The methods that are called on the base class, as hashes with {name} and {line}.
sub super_calls ($self) {
    my $code = $self->{code};
    my %guarded = map { $_ => 1 } $self->{text} =~ m/->can\(\s*["'](?:SUPER::)?(\w+)["']/g;
    my @calls;
    while ($code =~ m/->SUPER::(\w+)/g) {
        push @calls, { name => $1, line => _line_of($code, $-[0]) } if !$guarded{$1};
    }
    return @calls;
}

# Whether Tenon wrote it: a class that hands everything to the daemon.
sub is_proxy ($self) {
    return $self->{code} =~ m/\bTenon::Proxy\b/;
}

# What type() returns, where that is plain to see.
sub type ($self) {
    my ($type) = $self->{text} =~ m/^\s*sub\s+type\s*\{[^}]*?\breturn\s+["']([\w-]+)["']/m;
    return $type;
}

1;

__END__

=head1 NAME

Tenon::Inspect::Source - what the text of a plugin file tells

=head1 SYNOPSIS

    my $source = Tenon::Inspect::Source->new($text);
    my @modules = map { $_->{name} } $source->modules;

=head1 DESCRIPTION

Reads Perl as far as that goes with patterns, so that a file that does not compile can be told about too.

=head1 METHODS

=head2 new

    my $source = Tenon::Inspect::Source->new($text);

The text of a file, of which comments, documentation and what follows the end are left out.

=head2 text

The file without comments and POD; its lines keep their numbers.

=head2 packages, subs, bases, type

Names; C<type> only if it is plain to see.

=head2 is_proxy

Whether it is a class of Tenon, which hands its calls to the daemon.

=head2 modules

Hashes with C<name>, C<imports> and C<optional>.

=head2 pve_calls, super_calls

Hashes with C<module> (not of C<super_calls>), C<name> and C<line>.

=cut
