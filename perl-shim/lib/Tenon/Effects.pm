package Tenon::Effects;

use v5.36;

use B ();
use Cwd qw(abs_path);
use Digest::MD5 qw(md5_hex);
use Scalar::Util qw(refaddr reftype);

use Tenon::Inspect::Source;
use Tenon::Literal;

# What a plugin may register with PVE when it is loaded; the proxy registers the same.
my %CARRIED = (
    'PVE::JSONSchema::register_format' => 'formats',
    'PVE::JSONSchema::register_standard_option' => 'options',
);

# Known only in the process that has the code.
my @REFUSED = qw(
    PVE::Cluster::cfs_register_file
    PVE::INotify::register_file
    PVE::JSONSchema::register_renderer
    PVE::RESTHandler::register_method
);

use constant DEEPEST => 6;

sub watch ($class, $file) {
    my $self = bless {
        file => abs_path($file) // $file,
        formats => {},
        functions => [],
        loaded => { map { $_ => 1 } keys %INC },
        options => {},
        refused => [],
        restore => [],
        shared => [@PVE::Storage::Plugin::SHARED_STORAGE],
        variables => {},
    }, $class;
    $self->_each_symbol(sub ($name, $value) { $self->{variables}->{$name} = $value });
    $self->_listen($_) for keys %CARRIED, @REFUSED;
    return $self;
}

sub _listen ($self, $name) {
    my ($package, $function) = $name =~ m/\A(.*)::(\w+)\z/;
    my $own = $package->can($function) // return;
    my $told = sub (@args) { $self->_called($name, (caller(1))[1, 2], @args) };
    _define($name, sub { $told->(@_); goto &$own });
    push $self->{restore}->@*, [$name, $own];
    return;
}

sub _define ($name, $code) {
    no strict 'refs'; ## no critic (ProhibitNoStrict)
    no warnings qw(redefine prototype);
    *{$name} = $code;
    return;
}

sub _called ($self, $name, $file, $line, @args) {
    my $at = { line => $line + 0, file => $file };
    my $into = $CARRIED{$name};
    if (!$into) {
        $self->_refuse($at, "calls $name, whose effect ends with the process that it is made in");
    } elsif ($into eq 'formats') {
        my ($format, $what, $validator) = @args;
        my %said = (schema => undef, code => ref($what) eq 'CODE' || $validator ? 1 : 0);
        if (ref($what) eq 'HASH') {
            eval { $said{schema} = Tenon::Literal::of($what, 1, "the format '$format'"); 1 }
                or $self->_refuse($at, _cannot_be_written($@));
        }
        $self->{formats}->{$format} = { %said, $at->%* };
    } else {
        my ($option, $schema) = @args;
        eval {
            my $literal = Tenon::Literal::of($schema, 1, "the standard option '$option'");
            $self->{options}->{$option} = { schema => $literal, $at->%* };
        } or $self->_refuse($at, _cannot_be_written($@));
    }
    return;
}

sub _cannot_be_written ($err) {
    chomp($err);
    return "hands code to PVE: $err";
}

sub _refuse ($self, $at, $what) {
    push $self->{refused}->@*, { $at->%*, what => $what };
    return;
}

# ---- the variables and functions of PVE

sub _each_symbol ($self, $code) {
    my @packages = ('PVE');
    while (defined(my $package = shift(@packages))) {
        next if $package =~ m/\APVE::Storage::Custom\b/;
        no strict 'refs'; ## no critic (ProhibitNoStrict)
        my $stash = \%{"${package}::"};
        for my $name (sort keys $stash->%*) {
            if ($name =~ m/\A(\w+)::\z/) {
                push @packages, "${package}::$1";
            } elsif ($name =~ m/\A[A-Za-z]\w*\z/
                && $name !~ m/\A(?:BEGIN|DESTROY|ISA|AUTOLOAD|VERSION)\z/) {
                my $full = "${package}::$name";
                my $entry = $stash->{$name};

                # A constant, or a sub that was never called, may be stored without a glob.
                if (ref(\$entry) ne 'GLOB') {
                    $code->("&$full", 'there') if ref($entry) || $package->can($name);
                    next;
                }
                $code->("&$full", refaddr(\&{$full})) if defined(&{$full});
                $code->("\$$full", _mark(${$full})) if defined(${$full});
                $code->("\@$full", _mark(\@{$full})) if *{$full}{ARRAY};
                $code->("%$full", _mark(\%{$full})) if *{$full}{HASH};
            }
        }
    }
    return;
}

# What distinguishes a value from another.
sub _mark ($value) {
    return md5_hex(_plain($value, 0));
}

sub _plain ($value, $depth) {
    return 'undef' if !defined($value);
    my $type = reftype($value) // do {
        my $text = "$value";
        utf8::encode($text);
        return length($text) . ":$text";
    };
    return $type if $depth > DEEPEST;
    return join(',',
        '{', (map { (_plain($_, 0), _plain($value->{$_}, $depth + 1)) } sort keys $value->%*), '}')
        if $type eq 'HASH';
    return join(',', '[', (map { _plain($_, $depth + 1) } $value->@*), ']') if $type eq 'ARRAY';
    return $type;
}

# ---- what has changed

sub told ($self, $package) {
    _define($_->@*) for $self->{restore}->@*;
    $self->_shared;
    $self->{sources} = {};
    my @changed;
    my %now;
    my %had = map { (s/::\w+\z//r =~ s/\A[\$\@%&]//r) => 1 } keys $self->{variables}->%*;
    $self->_each_symbol(
        sub ($name, $value) {
            $now{$name} = 1;
            return
                if !$had{ ($name =~ s/::\w+\z//r) =~ s/\A[\$\@%&]//r }
                ; # a module that was not there before
            push @changed, $name if ($self->{variables}->{$name} // '') ne $value;
        });
    push @changed, grep { !$now{$_} } keys $self->{variables}->%*;
    for my $name (sort @changed) {
        next if $name eq '@PVE::Storage::Plugin::SHARED_STORAGE';
        my $at = $self->_place($name) // next;
        my ($sigil, $word) = $name =~ m/\A(.)(.*)\z/;
        $self->_refuse($at,
            $sigil eq '&'
            ? "changes the function $word, which others would not find changed"
            : "changes the variable $name, which others would not find changed");
    }
    $self->_exports($package) if defined($package);
    my %seen;
    return {
        shared => $self->{shared},
        formats => $self->{formats},
        options => $self->{options},
        functions => $self->{functions},
        refused => [
            grep { !$seen{"$_->{line} $_->{what}"}++ }
            sort { $a->{line} <=> $b->{line} } $self->{refused}->@*
        ],
    };
}

sub _shared ($self) {
    my @before = $self->{shared}->@*;
    my @after = @PVE::Storage::Plugin::SHARED_STORAGE;
    my @kept = splice(@after, 0, scalar(@before));
    $self->{shared} = \@after;
    return if "@kept" eq "@before";
    $self->{shared} = [];
    my $at = $self->_place('@PVE::Storage::Plugin::SHARED_STORAGE')
        // { line => 0, file => $self->{file} };
    $self->_refuse($at, 'takes types away from @PVE::Storage::Plugin::SHARED_STORAGE');
    return;
}

# The line that names what has changed, of the plugin or of a module that came with it; for a function, the code's own place
# if nothing names it. Nothing if PVE itself did it when one of its modules was loaded.
sub _place ($self, $name) {
    my $word = substr($name, 1);
    for my $file ($self->_files) {
        my $lines = $self->{sources}->{$file} //= do {
            my $source = Tenon::Inspect::Source->new(Tenon::Loader::source($file));
            [split(m/\n/, $source->text)];
        };
        my @found = grep { $lines->[$_] =~ m/\b\Q$word\E\b/ } 0 .. $lines->$#*;
        my ($best) = ((
                grep {
                    $lines->[$_]
                        =~ m/\b\Q$word\E\b[^=]*=(?![=~>])|\b(?:push|unshift|splice|delete|undef|local)\b/
                } @found
            ),
            @found
        );
        return { line => $best + 1, file => $file } if defined($best);
    }
    return if $name !~ m/\A&/ || !defined(&{ \&$word });
    my $start = B::svref_2object(\&$word)->START;
    return if !$start->can('line') || !$start->can('file');
    my $file = abs_path($start->file) // return;
    return if !grep { $_ eq $file } $self->_files;
    return { line => $start->line + 0, file => $file };
}

sub _files ($self) {
    my @more = map { abs_path($INC{$_}) // () }
        sort grep { !$self->{loaded}->{$_} && !ref($INC{$_}) && defined($INC{$_}) && -f $INC{$_} }
        keys %INC;
    my $pve = abs_path($INC{'PVE/Storage/Plugin.pm'} // '') // '';
    $pve =~ s{/PVE/Storage/Plugin\.pm\z}{};
    return ($self->{file},
        grep { $_ ne $self->{file} && !m{\A\Q$pve\E/PVE/(?!Storage/Custom/)} && m{/PVE/} } @more);
}

# What others may import from the plugin's class.
sub _exports ($self, $package) {
    no strict 'refs'; ## no critic (ProhibitNoStrict)
    my $import = $package->can('import') // return;
    return if !Exporter->can('import') || $import != Exporter->can('import');
    my %names = map { $_ => 1 } @{"${package}::EXPORT"}, @{"${package}::EXPORT_OK"};
    for my $name (sort keys %names) {
        my ($sigil, $word) = $name =~ m/\A([\$\@%&]?)(\w+)\z/ or next;
        if ($sigil eq '' || $sigil eq '&') {
            push $self->{functions}->@*,
                {
                name => $word,
                default => (grep { m/\A&?\Q$word\E\z/ } @{"${package}::EXPORT"}) ? 1 : 0
                };
            next;
        }
        my ($line) = grep { defined } map { $_->{line} } $self->_place("$sigil$word") // ();
        $self->_refuse({ line => $line // 0, file => $self->{file} },
            "exports the variable $name, which others would not see changed");
    }
    return;
}

1;

__END__

=head1 NAME

Tenon::Effects - what a plugin does to PVE when it is loaded

=head1 SYNOPSIS

    my $watch = Tenon::Effects->watch($file);
    require $file;
    my $effects = $watch->told($class);

=head1 DESCRIPTION

PVE no longer loads an adopted plugin, but a proxy class. Whatever the plugin did to PVE's own modules when it was loaded,
the proxy must do too, or else the user must be told that it cannot.

=head1 METHODS

=head2 watch

    my $watch = Tenon::Effects->watch($file);

Begins to watch, before the file is compiled. PVE's modules are already in memory.

=head2 told

    my $effects = $watch->told($class);

A hash reference with C<shared>, the types that the plugin calls shared; C<formats> by name, each with C<code>, whether code
checks it, and C<schema>, Perl source or undef; C<options> by name, the standard options, each with C<schema>; C<functions>,
those that others may import, each with C<name> and C<default>; C<refused>, what no proxy can do, each with C<what>, C<line>
and C<file>. The class may be undef.

=cut
